"""Models of the database, as it answers over REST. Written by `pushproof types`: do not edit."""

from __future__ import annotations

import datetime
import uuid
from typing import (
    Annotated,
    Any,
    List,
    Literal,
    Optional,
    TypedDict,
)
from typing_extensions import NotRequired, TypeAlias

from pydantic import BaseModel, Field, JsonValue

StorageBuckettype: TypeAlias = Literal["STANDARD", "ANALYTICS", "VECTOR"]

class PublicBrands(BaseModel):
    created_at: datetime.datetime = Field(alias="created_at")
    id: uuid.UUID = Field(alias="id")
    name: str = Field(alias="name")
    owner_id: uuid.UUID = Field(alias="owner_id")

class PublicBrandsInsert(TypedDict):
    created_at: NotRequired[Annotated[datetime.datetime, Field(alias="created_at")]]
    id: NotRequired[Annotated[uuid.UUID, Field(alias="id")]]
    name: Annotated[str, Field(alias="name")]
    owner_id: NotRequired[Annotated[uuid.UUID, Field(alias="owner_id")]]

class PublicBrandsUpdate(TypedDict):
    created_at: NotRequired[Annotated[datetime.datetime, Field(alias="created_at")]]
    id: NotRequired[Annotated[uuid.UUID, Field(alias="id")]]
    name: NotRequired[Annotated[str, Field(alias="name")]]
    owner_id: NotRequired[Annotated[uuid.UUID, Field(alias="owner_id")]]

class PublicConversationMessages(BaseModel):
    action_taken: Optional[str] = Field(alias="action_taken")
    brand_id: uuid.UUID = Field(alias="brand_id")
    content: str = Field(alias="content")
    cost_usd: Optional[float] = Field(alias="cost_usd")
    created_at: datetime.datetime = Field(alias="created_at")
    delegation_plan: Optional[JsonValue] = Field(alias="delegation_plan")
    id: uuid.UUID = Field(alias="id")
    latency_ms: Optional[int] = Field(alias="latency_ms")
    model_used: Optional[str] = Field(alias="model_used")
    provider: Optional[str] = Field(alias="provider")
    questions_asked: Optional[JsonValue] = Field(alias="questions_asked")
    role: str = Field(alias="role")
    session_id: uuid.UUID = Field(alias="session_id")
    tokens_used: Optional[int] = Field(alias="tokens_used")
    user_id: uuid.UUID = Field(alias="user_id")

class PublicConversationMessagesInsert(TypedDict):
    action_taken: NotRequired[Annotated[Optional[str], Field(alias="action_taken")]]
    brand_id: Annotated[uuid.UUID, Field(alias="brand_id")]
    content: Annotated[str, Field(alias="content")]
    cost_usd: NotRequired[Annotated[Optional[float], Field(alias="cost_usd")]]
    created_at: NotRequired[Annotated[datetime.datetime, Field(alias="created_at")]]
    delegation_plan: NotRequired[Annotated[Optional[JsonValue], Field(alias="delegation_plan")]]
    id: NotRequired[Annotated[uuid.UUID, Field(alias="id")]]
    latency_ms: NotRequired[Annotated[Optional[int], Field(alias="latency_ms")]]
    model_used: NotRequired[Annotated[Optional[str], Field(alias="model_used")]]
    provider: NotRequired[Annotated[Optional[str], Field(alias="provider")]]
    questions_asked: NotRequired[Annotated[Optional[JsonValue], Field(alias="questions_asked")]]
    role: Annotated[str, Field(alias="role")]
    session_id: Annotated[uuid.UUID, Field(alias="session_id")]
    tokens_used: NotRequired[Annotated[Optional[int], Field(alias="tokens_used")]]
    user_id: Annotated[uuid.UUID, Field(alias="user_id")]

class PublicConversationMessagesUpdate(TypedDict):
    action_taken: NotRequired[Annotated[Optional[str], Field(alias="action_taken")]]
    brand_id: NotRequired[Annotated[uuid.UUID, Field(alias="brand_id")]]
    content: NotRequired[Annotated[str, Field(alias="content")]]
    cost_usd: NotRequired[Annotated[Optional[float], Field(alias="cost_usd")]]
    created_at: NotRequired[Annotated[datetime.datetime, Field(alias="created_at")]]
    delegation_plan: NotRequired[Annotated[Optional[JsonValue], Field(alias="delegation_plan")]]
    id: NotRequired[Annotated[uuid.UUID, Field(alias="id")]]
    latency_ms: NotRequired[Annotated[Optional[int], Field(alias="latency_ms")]]
    model_used: NotRequired[Annotated[Optional[str], Field(alias="model_used")]]
    provider: NotRequired[Annotated[Optional[str], Field(alias="provider")]]
    questions_asked: NotRequired[Annotated[Optional[JsonValue], Field(alias="questions_asked")]]
    role: NotRequired[Annotated[str, Field(alias="role")]]
    session_id: NotRequired[Annotated[uuid.UUID, Field(alias="session_id")]]
    tokens_used: NotRequired[Annotated[Optional[int], Field(alias="tokens_used")]]
    user_id: NotRequired[Annotated[uuid.UUID, Field(alias="user_id")]]

class PublicConversationSessions(BaseModel):
    active_task_plan_id: Optional[uuid.UUID] = Field(alias="active_task_plan_id")
    answered_questions: Optional[JsonValue] = Field(alias="answered_questions")
    brand_id: uuid.UUID = Field(alias="brand_id")
    completed_at: Optional[datetime.datetime] = Field(alias="completed_at")
    created_at: datetime.datetime = Field(alias="created_at")
    id: uuid.UUID = Field(alias="id")
    last_activity_at: datetime.datetime = Field(alias="last_activity_at")
    parsed_intent: Optional[JsonValue] = Field(alias="parsed_intent")
    pending_questions: Optional[JsonValue] = Field(alias="pending_questions")
    selected_kb_ids: Optional[List[uuid.UUID]] = Field(alias="selected_kb_ids")
    state: str = Field(alias="state")
    user_id: uuid.UUID = Field(alias="user_id")

class PublicConversationSessionsInsert(TypedDict):
    active_task_plan_id: NotRequired[Annotated[Optional[uuid.UUID], Field(alias="active_task_plan_id")]]
    answered_questions: NotRequired[Annotated[Optional[JsonValue], Field(alias="answered_questions")]]
    brand_id: Annotated[uuid.UUID, Field(alias="brand_id")]
    completed_at: NotRequired[Annotated[Optional[datetime.datetime], Field(alias="completed_at")]]
    created_at: NotRequired[Annotated[datetime.datetime, Field(alias="created_at")]]
    id: NotRequired[Annotated[uuid.UUID, Field(alias="id")]]
    last_activity_at: NotRequired[Annotated[datetime.datetime, Field(alias="last_activity_at")]]
    parsed_intent: NotRequired[Annotated[Optional[JsonValue], Field(alias="parsed_intent")]]
    pending_questions: NotRequired[Annotated[Optional[JsonValue], Field(alias="pending_questions")]]
    selected_kb_ids: NotRequired[Annotated[Optional[List[uuid.UUID]], Field(alias="selected_kb_ids")]]
    state: NotRequired[Annotated[str, Field(alias="state")]]
    user_id: NotRequired[Annotated[uuid.UUID, Field(alias="user_id")]]

class PublicConversationSessionsUpdate(TypedDict):
    active_task_plan_id: NotRequired[Annotated[Optional[uuid.UUID], Field(alias="active_task_plan_id")]]
    answered_questions: NotRequired[Annotated[Optional[JsonValue], Field(alias="answered_questions")]]
    brand_id: NotRequired[Annotated[uuid.UUID, Field(alias="brand_id")]]
    completed_at: NotRequired[Annotated[Optional[datetime.datetime], Field(alias="completed_at")]]
    created_at: NotRequired[Annotated[datetime.datetime, Field(alias="created_at")]]
    id: NotRequired[Annotated[uuid.UUID, Field(alias="id")]]
    last_activity_at: NotRequired[Annotated[datetime.datetime, Field(alias="last_activity_at")]]
    parsed_intent: NotRequired[Annotated[Optional[JsonValue], Field(alias="parsed_intent")]]
    pending_questions: NotRequired[Annotated[Optional[JsonValue], Field(alias="pending_questions")]]
    selected_kb_ids: NotRequired[Annotated[Optional[List[uuid.UUID]], Field(alias="selected_kb_ids")]]
    state: NotRequired[Annotated[str, Field(alias="state")]]
    user_id: NotRequired[Annotated[uuid.UUID, Field(alias="user_id")]]

class PublicDailyMessageVolume(BaseModel):
    assistant_messages: Optional[int] = Field(alias="assistant_messages")
    date: Optional[datetime.date] = Field(alias="date")
    message_count: Optional[int] = Field(alias="message_count")
    total_cost: Optional[float] = Field(alias="total_cost")
    total_tokens: Optional[int] = Field(alias="total_tokens")
    user_id: uuid.UUID = Field(alias="user_id")
    user_messages: Optional[int] = Field(alias="user_messages")

class PublicProviderUsageStats(BaseModel):
    avg_latency_ms: Optional[float] = Field(alias="avg_latency_ms")
    first_use: Optional[datetime.datetime] = Field(alias="first_use")
    last_use: Optional[datetime.datetime] = Field(alias="last_use")
    provider: Optional[str] = Field(alias="provider")
    request_count: Optional[int] = Field(alias="request_count")
    total_cost: Optional[float] = Field(alias="total_cost")
    total_tokens: Optional[int] = Field(alias="total_tokens")
    user_id: uuid.UUID = Field(alias="user_id")

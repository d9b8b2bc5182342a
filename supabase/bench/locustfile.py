"""The users of `invoke bench --suite load`: conversations as the application has them, from brand to delivery."""

from locust import between, task

from pushproof.testing import Visitor


class Client(Visitor):
    """A user who has conversations and reads lists."""

    wait_time = between(0.1, 0.5)

    def arrive(self) -> None:
        """Create a brand."""
        self.brand = self.insert("brands", {"name": self.mark})["id"]

    @task(3)
    def converse(self) -> None:
        """Open a session, write four messages, read its history and figures, and complete it."""
        session = self.insert("conversation_sessions", {"brand_id": self.brand})["id"]
        for role in ("user", "assistant") * 2:
            bill = {"provider": "openai", "tokens_used": 10, "cost_usd": 0.01} if role == "assistant" else {}
            row = {"session_id": session, "brand_id": self.brand, "user_id": self.id, "role": role}
            self.insert("conversation_messages", row | bill | {"content": f"A calm campaign for {self.mark}."})
        self.rpc("get_conversation_history", p_session_id=session)
        self.rpc("get_session_cost", p_session_id=session)
        self.rpc("get_session_message_stats", p_session_id=session)
        self.rpc("complete_conversation_session", session_id=session)

    @task(2)
    def look(self) -> None:
        """Read lists without a condition, so that row level security alone selects the rows."""
        self.select("conversation_sessions", order="last_activity_at.desc", limit="20")
        self.select("conversation_messages", order="created_at.desc", limit="20")
        self.select("provider_usage_stats")
        self.select("daily_message_volume", order="date.desc")

    @task
    def tidy_up(self) -> None:
        """Delete the oldest session with its messages."""
        for oldest in self.select("conversation_sessions", order="created_at", limit="1"):
            self.delete("conversation_sessions", id=f"eq.{oldest['id']}")

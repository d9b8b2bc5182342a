"""A conversation from its brand to its end, as the application leads it: for `invoke bench --suite load`."""

from locust import between, task

from pushproof.testing import Visitor


class Client(Visitor):
    """Somebody who talks, and looks at what there is."""

    wait_time = between(0.1, 0.5)

    def arrive(self) -> None:
        """Everybody has a brand."""
        self.brand = self.insert("brands", {"name": self.mark})["id"]

    @task(3)
    def converse(self) -> None:
        """A session, four messages, its history and its figures; then it is delivered."""
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
        """Whatever is to be seen, without a condition of one's own: row level security alone says whose it is."""
        self.select("conversation_sessions", order="last_activity_at.desc", limit="20")
        self.select("conversation_messages", order="created_at.desc", limit="20")
        self.select("provider_usage_stats")
        self.select("daily_message_volume", order="date.desc")

    @task
    def tidy_up(self) -> None:
        """The oldest session goes, its messages with it."""
        for oldest in self.select("conversation_sessions", order="created_at", limit="1"):
            self.delete("conversation_sessions", id=f"eq.{oldest['id']}")

"""A Pub/Sub service in this process that shows topics and subscriptions."""

from typing import Any

import grpc
from google.pubsub_v1.types import GetSubscriptionRequest, GetTopicRequest, Subscription, Topic

from tests.grpc_servers import GrpcServer


class PresenceServer(GrpcServer):
    """Has every topic, and every subscription of one of them.

    Attributes:
        error: with what it answers instead, where it is to.
    """

    def __init__(self, topic: str) -> None:
        super().__init__()
        self.error: grpc.StatusCode | None = None
        self._topic = topic

    def service(self, call: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        if call.method.endswith("/GetTopic"):
            return grpc.unary_unary_rpc_method_handler(
                lambda request, context: self._answer(context, Topic(name=request.topic)),
                GetTopicRequest.deserialize,
                Topic.serialize,
            )
        return grpc.unary_unary_rpc_method_handler(
            lambda request, context: self._answer(context, Subscription(name=request.subscription, topic=self._topic)),
            GetSubscriptionRequest.deserialize,
            Subscription.serialize,
        )

    def _answer(self, context: grpc.ServicerContext, answer: Any) -> Any:
        if self.error is not None:
            context.abort(self.error, "scripted")
        return answer

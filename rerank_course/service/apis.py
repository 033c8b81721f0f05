"""Which protocol a request is meant in.

Four protocols share three paths, and clients cannot be told to take others. The body decides: TEI's has
``texts``; Jina's names a model of Jina's; vLLM's names the model that the server runs,
or has a field that only vLLM knows.
"""

from rerank_course.service.cohere_api import CohereV1, CohereV2
from rerank_course.service.other_apis import SERVED_MODEL, JinaApi, TeiApi, VllmApi
from rerank_course.service.tasks import Api

V1, V2, JINA, VLLM, TEI = CohereV1(), CohereV2(), JinaApi(), VllmApi(), TeiApi()


def api_of(path: str, request: dict) -> Api:
    """The protocol of a request to ``/rerank``, ``/v1/rerank`` or ``/v2/rerank``.

    Args:
        path: where it arrived.
        request: its body; empty if that cannot be read.
    """
    path, model = path.rstrip("/"), request.get("model")
    if path == "/rerank" and ("texts" in request or "documents" not in request):
        return TEI
    if path != "/v2/rerank" and isinstance(model, str) and model.startswith("jina-"):
        return JINA
    if path == "/rerank" or model == SERVED_MODEL or "truncate_prompt_tokens" in request:
        return VLLM
    return V1 if path == "/v1/rerank" else V2

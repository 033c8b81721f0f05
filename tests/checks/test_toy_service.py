"""What takes the service's place in the checks is like Cohere's client."""

import inspect

import cohere
import httpx
import pytest
from cohere.core.api_error import ApiError

from rerank_course.checks.toys.service import Service, status_error
from tests.checks.hosted_answers import MODEL


def test_the_service_of_the_check_takes_what_the_real_client_takes():
    real = inspect.signature(cohere.ClientV2.rerank).parameters
    ours = inspect.signature(Service.rerank).parameters
    assert {name for name in ours if name != "unknown"} <= set(real)
    assert all(ours[name].kind is real[name].kind for name in ours if name != "unknown")


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 422, 429, 498, 499, 500, 501, 502, 503, 504])
def test_its_errors_are_those_of_the_real_client(status):
    transport = httpx.MockTransport(lambda request: httpx.Response(status, json={"message": "no"}))
    client = cohere.ClientV2(
        api_key="check",
        base_url="http://check.invalid",
        max_retries=0,
        httpx_client=httpx.Client(transport=transport),
    )
    with pytest.raises(ApiError) as raised:
        client.rerank(model=MODEL, query="q", documents=["d"])
    ours = status_error(status)
    assert type(raised.value) is type(ours) and raised.value.status_code == ours.status_code

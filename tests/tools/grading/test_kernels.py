"""The kernel that a submission runs in, as grading starts it."""

import asyncio
from contextlib import suppress

from tools.grading.kernels import KernelClient, KernelManager, new_kernel_manager


async def _first_hello():
    """A kernel is started and asked; what its client then says of its heartbeat, and of the kernel."""
    manager = KernelManager(client_factory=KernelClient, kernel_name="python3")
    await manager.start_kernel()
    client = manager.client()
    try:
        client.start_channels()
        await client.wait_for_ready(timeout=60)
        return client.hb_channel.is_alive(), await client._async_is_alive()
    finally:
        client.stop_channels()
        with suppress(ProcessLookupError):
            await manager.shutdown_kernel(now=True)


def test_no_heartbeat_runs_whose_end_a_submission_could_hold_up():
    assert asyncio.run(_first_hello()) == (False, True)


def test_a_client_of_a_box_is_one_without_a_heartbeat(tmp_path):
    job = {
        "isolated": False,
        "box": str(tmp_path),
        "visible": [],
        "environment": {},
        "limits": {"address_space": 1, "file": 1, "threads": 1},
    }
    assert isinstance(new_kernel_manager(job).client(), KernelClient)

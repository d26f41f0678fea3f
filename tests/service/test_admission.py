import asyncio

import pytest

from service.admission import Admission
from slugline.errors import NotReady


def test_closing_waits_for_the_calls_inside_and_refuses_others() -> None:
    async def scene() -> None:
        admission = Admission()
        with admission.call():
            closing = asyncio.create_task(admission.close(timeout=30))
            await asyncio.sleep(0.5)
            assert not closing.done()
            with pytest.raises(NotReady, match="shutting down"), admission.call():
                pass
        assert await closing

    asyncio.run(scene())


def test_closing_gives_up_after_its_time() -> None:
    async def scene() -> None:
        admission = Admission()
        with admission.call():
            assert not await admission.close(timeout=0.1)

    asyncio.run(scene())

"""What a call cost, by the list prices of the genai-prices package. Unknown is None, never 0."""

from __future__ import annotations

from decimal import Decimal

from genai_prices import Usage, calc_price

SIMULATED_MODEL = "simulated"
CENT_MILLIONTHS = Decimal("0.000001")


def cost_usd(*, model: str, base_url: str, sent: int, cached: int, written: int) -> Decimal | None:
    """In US dollars, or None where the address or the model has no list price or the provider did
    not count. `cached`: those of the sent tokens that came from the provider's prompt cache."""
    if model == SIMULATED_MODEL:
        return Decimal(0)
    if not sent:
        return None
    usage = Usage(input_tokens=sent, cache_read_tokens=cached, output_tokens=written)
    try:
        price = calc_price(usage, model, provider_api_url=base_url)
    except LookupError:
        return None
    return price.total_price.quantize(CENT_MILLIONTHS)

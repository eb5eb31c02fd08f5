"""What lands: every dataset's columns, in the order of its files. Landing files are text, so all are strings."""

from __future__ import annotations

from collections.abc import Mapping

TRANSACTION_COLUMNS = (
    "row_id",
    "household_id",
    "store_id",
    "basket_id",
    "product_id",
    "quantity",
    "sales_value",
    "retail_disc",
    "coupon_disc",
    "coupon_match_disc",
    "week",
    "transaction_timestamp",
)

LANDED: Mapping[str, tuple[str, ...]] = {
    "transactions": TRANSACTION_COLUMNS,
    "products": (
        "product_id",
        "manufacturer_id",
        "department",
        "brand",
        "product_category",
        "product_type",
        "package_size",
    ),
    "identities": ("household_id", "name", "email", "phone", "address", "birth_date"),
    "demographics": (
        "household_id",
        "age",
        "income",
        "home_ownership",
        "marital_status",
        "household_size",
        "household_comp",
        "kids_count",
    ),
    "campaign_descriptions": ("campaign_id", "campaign_type", "start_date", "end_date"),
    "campaigns": ("campaign_id", "household_id"),
    "coupons": ("coupon_upc", "product_id", "campaign_id"),
    "coupon_redemptions": ("household_id", "coupon_upc", "campaign_id", "redemption_date"),
    "promotions": ("product_id", "store_id", "display_location", "mailer_location", "week"),
}

"""A small catalogue of KPIs shaped like the product's own, so that the report is tested without their SQL."""

from __future__ import annotations

from ecom_pipeline.kpis.definition import Kpi, parse_kpi

_ACTIONS = {
    "conversion_rate": ("Revoir parcours, vitesse et offre", "Review user experience, speed and offer"),
    "average_order_value": ("Proposer lots et ventes croisées", "Offer bundles and cross-sell"),
    "customer_acquisition_cost": ("Changer d'audience ou de canal", "Change audience or channel"),
    "lifetime_value": ("Renforcer fidélité et rétention", "Strengthen loyalty and retention"),
    "return_rate": ("Améliorer le produit ou sa fiche", "Improve the product or its description"),
    "gross_margin_rate": ("Négocier fournisseurs et logistique", "Negotiate with suppliers and carriers"),
}

# key, French, English, unit, kind, good, dimensions, other header lines
_SALES = "channel device country"
_ROWS: dict[str, list[tuple[str, str, str, str, str, str, str, str]]] = {
    "sales": [
        ("average_order_value", "Panier moyen", "Average order value", "money", "ratio", "up", _SALES, ""),
        ("conversion_rate", "Taux de conversion", "Conversion rate", "percent", "ratio", "up", _SALES,
         "reference: {between: [0.02, 0.03]}\nminimum: 0\nmaximum: 1"),
        ("discount_rate", "Taux de remise", "Discount rate", "percent", "ratio", "down", _SALES, "minimum: 0"),
        ("gross_merchandise_value", "Volume d'affaires (GMV)", "Gross merchandise value", "money", "flow", "up",
         f"{_SALES} product", ""),
        ("net_sales", "Chiffre d'affaires net", "Net sales", "money", "flow", "up", f"{_SALES} product", ""),
        ("orders", "Commandes", "Orders", "count", "flow", "up", _SALES, ""),
        ("revenue_per_session", "CA par visite", "Revenue per session", "money", "ratio", "up", _SALES, ""),
        ("units_per_order", "Articles par commande", "Units per order", "per_order", "ratio", "up", _SALES, ""),
    ],
    "profit": [
        ("cash_balance", "Trésorerie", "Cash balance", "money", "snapshot", "up", "account", ""),
        ("cash_in_transit", "Encaissements en attente", "Cash in transit", "money", "snapshot", "neutral", "", ""),
        ("contribution_margin", "Marge contributive", "Contribution margin", "money", "flow", "up",
         "channel country", "reference: {at_least: 0}"),
        ("contribution_margin_per_order", "Marge contributive par commande", "Contribution margin per order",
         "money", "ratio", "up", "channel country", "reference: {at_least: 0}"),
        ("gross_margin_rate", "Taux de marge brute", "Gross margin", "percent", "ratio", "up",
         "channel country product", ""),
        ("logistics_cost_per_order", "Coût logistique par commande", "Logistics cost per order", "money", "ratio",
         "down", "country", ""),
        ("net_cash_flow", "Flux net de trésorerie", "Net cash flow", "money", "flow", "up", "category", ""),
        ("net_margin_rate", "Marge nette", "Net margin", "percent", "ratio", "up", "", ""),
        ("payment_fee_rate", "Frais de paiement", "Payment fee rate", "percent", "ratio", "down", "", ""),
        ("payout_gap", "Écart de rapprochement", "Reconciliation gap", "money", "flow", "zero", "", ""),
        ("return_rate", "Taux de retours produits", "Product return rate", "percent", "ratio", "down",
         "country product", "matures_after: 30"),
        ("runway_months", "Autonomie de trésorerie", "Runway", "months", "window", "up", "", "window: 90"),
    ],
    "loyalty": [
        ("cac_payback_days", "Délai de retour du CAC", "CAC payback", "days", "window", "down", "channel",
         "window: 90"),
        ("churn_rate", "Taux de désabonnement", "Customer churn", "percent", "window", "down", "channel country",
         "window: 90"),
        ("customer_acquisition_cost", "Coût d'acquisition client (CAC)", "Customer acquisition cost", "money",
         "ratio", "down", "channel", ""),
        ("lifetime_value", "Valeur vie client (LTV)", "Lifetime value", "money", "window", "up",
         "channel country", "window: 365"),
        ("ltv_to_cac", "LTV / CAC", "LTV / CAC", "multiple", "window", "up", "channel",
         "window: 365\nreference: {at_least: 3}"),
        ("new_customers", "Nouveaux clients", "New customers", "count", "flow", "up", _SALES, ""),
        ("repeat_purchase_rate", "Taux de réachat (RPR)", "Repeat purchase rate", "percent", "window", "up",
         "channel country", "window: 365\nreference: {at_least: 0.3}"),
    ],
    "website": [
        ("average_session_duration", "Durée moyenne des sessions", "Average session duration", "seconds", "ratio",
         "up", "channel device", ""),
        ("bounce_rate", "Taux de rebond", "Bounce rate", "percent", "ratio", "down", "channel device", ""),
        ("cart_abandonment_rate", "Taux d'abandon de panier", "Cart abandonment", "percent", "ratio", "down",
         "channel device", "reference: {around: 0.7}"),
        ("checkout_abandonment_rate", "Taux d'abandon du paiement", "Checkout abandonment", "percent", "ratio",
         "down", "device country", "matures_after: 1"),
        ("sessions", "Trafic du site", "Website traffic", "count", "flow", "up", _SALES, ""),
    ],
    "marketing": [
        ("ad_click_through_rate", "CTR publicitaire", "Ad click-through rate", "percent", "ratio", "up",
         "channel campaign", ""),
        ("ad_spend", "Dépenses publicitaires", "Ad spend", "money", "flow", "neutral", "channel campaign", ""),
        ("average_position", "Position moyenne", "Average position", "position", "ratio", "down",
         "device country", ""),
        ("marketing_efficiency_ratio", "MER", "Marketing efficiency ratio", "multiple", "ratio", "up", "", ""),
        ("marketing_roi", "ROI marketing", "Marketing ROI", "percent", "ratio", "up", "channel",
         "reference: {at_least: 0}"),
        ("roas", "ROAS", "Return on ad spend", "multiple", "ratio", "up", "channel campaign", ""),
    ],
    "steering": [
        ("data_freshness", "Fraîcheur des données", "Data freshness", "percent", "ratio", "up", "source",
         "reference: {at_least: 1}"),
    ],
}  # fmt: skip


def make_catalogue() -> dict[str, Kpi]:
    """The KPIs by key, in the families' reading order."""
    return {row[0]: _parse(family, row) for family, rows in _ROWS.items() for row in rows}


def _parse(family: str, row: tuple[str, str, str, str, str, str, str, str]) -> Kpi:
    key, french, english, unit, kind, good, dimensions, others = row
    lines = [
        f'name: {{fr: "{french}", en: "{english}"}}',
        f'definition: {{fr: "Ce que mesure {french.lower()}, en une phrase, pour l\'annexe du rapport.", '
        f'en: "What {english.lower()} measures, in one sentence, for the report\'s appendix."}}',
        f"unit: {unit}",
        f"kind: {kind}",
        f"good: {good}",
        f"dimensions: [{', '.join(dimensions.split())}]",
        others,
    ]
    if key in _ACTIONS:
        lines.append('action: {{fr: "{}", en: "{}"}}'.format(*_ACTIONS[key]))
    return parse_kpi(key, family, "/* ---\n" + "\n".join(lines) + "\n--- */\nSELECT 1")

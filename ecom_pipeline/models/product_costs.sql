/* ---
grain: a variant and a span of days during which its unit cost did not change
description: What a variant costs, from day (included) to valid_until (excluded). The first cost ever known also holds for the days before it was seen.
key: [shop, product_id, day]
scope: all
--- */
SELECT
    CASE WHEN spans.place = 1 THEN DATE '1900-01-01' ELSE spans.day END AS day,
    spans.shop AS shop,
    spans.product_id AS product_id,
    COALESCE(LEAD(spans.day) OVER (PARTITION BY spans.shop, spans.product_id ORDER BY spans.day), DATE '9999-12-31')
        AS valid_until,
    spans.unit_cost AS unit_cost,
    spans.currency AS currency
FROM (
    SELECT
        changed.*,
        ROW_NUMBER() OVER (PARTITION BY changed.shop, changed.product_id ORDER BY changed.day) AS place
    FROM (
        SELECT
            p.shop AS shop,
            p.product_id AS product_id,
            p.day AS day,
            p.unit_cost AS unit_cost,
            p.currency AS currency,
            LAG(p.unit_cost) OVER (PARTITION BY p.shop, p.product_id ORDER BY p.day) AS cost_before
        FROM mapped.products AS p
        WHERE p.unit_cost IS NOT NULL
    ) AS changed
    WHERE changed.cost_before IS NULL OR changed.cost_before <> changed.unit_cost
) AS spans

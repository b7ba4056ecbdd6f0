/* ---
name: {fr: "Score net de promoteur (NPS)", en: "Net promoter score"}
definition:
  fr: "Part des réponses 9 et 10 moins part des réponses 0 à 6, en points, sur 90 jours."
  en: "Share of answers 9 and 10 less share of answers 0 to 6, in points, over 90 days."
unit: points
kind: window
window: 90
good: up
action:
  fr: "Appeler les détracteurs de la semaine ; demander un avis aux promoteurs."
  en: "Call the week's detractors; ask promoters for a review."
measured_by: [survey_answers]
touches:
  mapped.survey_answers: {forward: 89}
minimum: -100
maximum: 100
counts: {one: {fr: "réponse", en: "answer"}, many: {fr: "réponses", en: "answers"}}
since: 1
--- */
WITH counted AS (
    SELECT
        d.day AS day,
        SUM(CASE WHEN a.score >= 9 THEN 1 ELSE 0 END) AS promoters,
        SUM(CASE WHEN a.score <= 6 THEN 1 ELSE 0 END) AS detractors,
        COUNT(*) AS answers
    FROM run.days AS d
    JOIN mapped.survey_answers AS a ON a.day <= d.day AND a.day >= CAST(d.day - INTERVAL '89' DAY AS DATE)
    GROUP BY d.day
), likely AS (
    -- One answer more of each kind keeps the range honest when few answered, or all alike.
    SELECT
        c.day AS day,
        CAST(c.promoters + 1 AS DOUBLE) / NULLIF(c.answers + 3, 0) AS promoters,
        CAST(c.detractors + 1 AS DOUBLE) / NULLIF(c.answers + 3, 0) AS detractors,
        c.answers + 3 AS answers
    FROM counted AS c
)
SELECT
    c.day AS day, 'total' AS dimension, '' AS segment,
    100 * (c.promoters - c.detractors) AS numerator,
    c.answers AS denominator,
    GREATEST(-100, 100 * (l.promoters - l.detractors - 1.645 * l.error)) AS low,
    LEAST(100, 100 * (l.promoters - l.detractors + 1.645 * l.error)) AS high
FROM counted AS c
JOIN (
    SELECT
        k.day AS day, k.promoters AS promoters, k.detractors AS detractors,
        SQRT((k.promoters + k.detractors - (k.promoters - k.detractors) * (k.promoters - k.detractors)) / k.answers) AS error
    FROM likely AS k
) AS l ON l.day = c.day

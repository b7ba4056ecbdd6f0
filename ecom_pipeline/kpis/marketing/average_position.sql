/* ---
name: {fr: "Position moyenne", en: "Average position"}
definition:
  fr: "Position dans la recherche naturelle, pondérée par les impressions ; les jours sont ceux du fuseau du Pacifique, définitifs au bout de trois jours."
  en: "Position in organic search, weighted by impressions; days are those of Pacific time, final after three days."
unit: position
kind: ratio
good: down
dimensions: [device, country]
action:
  fr: "Renforcer le contenu et les liens des pages qui reculent."
  en: "Strengthen content and links of the pages that fall."
measured_by: [search_positions]
matures_after: 3
minimum: 1
since: 2
--- */
SELECT
    s.day AS day, s.device AS device, s.country AS country,
    s.position_sum AS numerator,
    s.impressions AS denominator
FROM model.search_positions AS s
JOIN run.days AS d ON d.day = s.day

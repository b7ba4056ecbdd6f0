/* ---
grain: a customer's answer to how the service was
description: Answers on the day they were given, with the medium of the ticket they are about. Empty ticket days are tickets not known, or deleted.
key: [desk, rating_id]
touches:
  mapped.tickets: {through: ticket_day}
--- */
SELECT
    r.day AS day, r.desk AS desk, r.rating_id AS rating_id, t.day AS ticket_day,
    COALESCE(t.medium, 'unknown') AS medium, r.is_good AS is_good
FROM mapped.satisfaction_ratings AS r
JOIN run.days AS d ON d.day = r.day
LEFT JOIN mapped.tickets AS t ON t.desk = r.desk AND t.ticket_id = r.ticket_id

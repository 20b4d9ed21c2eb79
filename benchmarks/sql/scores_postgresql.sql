-- What the plugins abc and churn say of every customer with their default settings, in one scan of the orders.
INSERT INTO score
WITH
day AS (  -- a row for each customer and day with orders
  SELECT customer, order_date AS day, sum(amount)::bigint AS amount, count(*) AS orders
  FROM crm_order  -- the plugins bring an index that has all of this, in this order
  WHERE deleted_at IS NULL AND customer IS NOT NULL AND order_date <= '{as_of}' AND status <> 'cancelled'
  GROUP BY customer, order_date
),
step AS (
  SELECT customer, day, amount, orders, row_number() OVER back AS back, day - lead(day) OVER back AS gap
  FROM day WINDOW back AS (PARTITION BY customer ORDER BY day DESC)
),
rhythm AS (
  SELECT customer, sum(amount)::bigint AS total,
    sum(amount) FILTER (WHERE day > DATE '{as_of}' - 365) AS year_amount,
    sum(orders) FILTER (WHERE day > DATE '{as_of}' - 365) AS year_orders,
    count(*) AS days,
    DATE '{as_of}' - max(day) AS since,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY gap) AS usual,
    -- as a float: averages have 20 digits here, and a half of thirds would be a little more than a half
    (avg(amount) FILTER (WHERE back <= 3) / nullif(avg(amount) FILTER (WHERE back > 3), 0))::double precision AS trend
  FROM step GROUP BY customer
),
complaint AS (
  SELECT DISTINCT subject__id AS customer FROM crm_activity
  WHERE subject__entity = 'customer' AND kind = 'complaint' AND deleted_at IS NULL
    AND happened_at >= (DATE '{as_of}' - 180)::timestamp AT TIME ZONE 'UTC'
),
known AS (
  SELECT c.id, c.expected_order_date AS expected, coalesce(r.total, 0) AS total, coalesce(r.year_amount, 0) AS year_amount,
    coalesce(r.year_orders, 0) AS year_orders, r.days, r.since, r.since / nullif(r.usual, 0) AS overdue, r.trend,
    p.customer IS NOT NULL AS complained
  FROM crm_customer AS c LEFT JOIN rhythm AS r ON r.customer = c.id LEFT JOIN complaint AS p ON p.customer = c.id
  WHERE c.deleted_at IS NULL
),
placed AS (
  SELECT *, rank() OVER (ORDER BY total DESC) - 1 AS better, count(*) OVER () AS customers,
    coalesce(sum(greatest(total, 0)) OVER (ORDER BY total DESC GROUPS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before,
    sum(greatest(total, 0)) OVER () AS value
  FROM known
)
SELECT id,
  CASE WHEN year_amount >= 1000000000 OR year_orders >= 12 THEN 'A'
       WHEN year_amount >= 100000000 OR year_orders >= 3 THEN 'B' ELSE 'C' END,
  CASE WHEN expected < DATE '{as_of}' - 7 THEN 'C'
       WHEN expected <= DATE '{as_of}' + 7 THEN 'H'
       WHEN expected <= DATE '{as_of}' + 15 THEN 'A'
       WHEN expected <= DATE '{as_of}' + 30 THEN 'B' ELSE 'C' END,
  CASE WHEN better * 100 < customers THEN 'vip' WHEN better * 5 < customers THEN 'major'
       WHEN better * 2 < customers THEN 'ordinary' ELSE 'small' END,
  CASE WHEN before * 5 < value * 4 THEN 'A' WHEN before * 20 < value * 19 THEN 'B' ELSE 'C' END,
  CASE WHEN (days >= 3 AND overdue >= 4 AND since >= 90) OR since >= 730 THEN 'lost'
       WHEN days >= 3 AND ((overdue >= 2 AND since >= 14) OR trend <= 0.5) THEN 'at_risk'
       WHEN days >= 3 THEN 'steady' END,
  overdue,
  CASE WHEN complained THEN 'problem'
       WHEN days >= 3 AND (overdue >= 1.5 OR trend <= 0.5 OR trend >= 2) THEN 'changing'
       WHEN days >= 6 THEN 'value' END
FROM placed;

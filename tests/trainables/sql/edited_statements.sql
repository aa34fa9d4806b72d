SELECT name FROM emp WHERE city = 'Rome'
SELECT name, salary FROM emp WHERE salary > 10 AND dept = 1 ORDER BY salary DESC
SELECT "name" FROM emp WHERE "city" = 'Rome'
SELECT `name`, [city] FROM emp WHERE name LIKE 'A%'
SELECT name AS who, salary AS pay FROM emp ORDER BY pay, who ASC
SELECT dept, COUNT(*) AS total FROM emp GROUP BY dept HAVING total > 1
SELECT dept, AVG(salary) AS salary FROM emp GROUP BY dept HAVING salary > 10
SELECT e.name, d.name FROM emp e INNER JOIN dept AS d ON e.dept = d.id
SELECT e.name, d.name FROM emp e LEFT OUTER JOIN dept d ON e.dept = d.id ORDER BY e.name ASC
SELECT e.name FROM emp e WHERE EXISTS (SELECT 1 FROM dept d WHERE d.id = e.dept)
SELECT e.name FROM emp AS e WHERE e.dept IN (SELECT d.id FROM dept AS d WHERE d.budget > e.salary)
SELECT name FROM emp WHERE dept IN (SELECT id FROM dept WHERE budget > salary)
SELECT name FROM dept WHERE id IN (SELECT dept FROM emp WHERE budget > 1 AND boss = 1)
SELECT name FROM dept d WHERE EXISTS (SELECT 1 FROM emp WHERE dept = d.id AND budget > 10)
SELECT m.name, w.name FROM emp m JOIN emp w ON m.id = w.boss
SELECT x FROM (SELECT name AS x, salary FROM emp) AS s WHERE s.salary > 1
WITH c AS (SELECT dept, MAX(salary) AS top_pay FROM emp GROUP BY dept) SELECT c.dept FROM c WHERE c.top_pay > 10 ORDER BY c.dept
SELECT -salary AS salary FROM emp AS e ORDER BY e.salary
SELECT -salary AS salary FROM emp AS e ORDER BY salary
SELECT salary AS id, id AS salary FROM emp ORDER BY id
SELECT name AS city, city AS x FROM emp ORDER BY city
SELECT 2 AS x, name FROM emp ORDER BY x, name
SELECT COUNT(DISTINCT city) FROM emp
SELECT DISTINCT city FROM emp WHERE city IS NOT NULL
SELECT name FROM emp WHERE city = "Rome" OR city = "name"
SELECT CASE WHEN salary > 10 THEN "High" ELSE "Low" END AS band FROM emp
SELECT COALESCE(city, "none") FROM emp
SELECT "Total", COUNT(*) FROM emp
SELECT name FROM emp WHERE name IN ("Ann", "Cid")
SELECT name FROM emp UNION SELECT name FROM dept ORDER BY name
SELECT name FROM emp LIMIT 2 OFFSET 1
SELECT name FROM emp ORDER BY city COLLATE NOCASE ASC, name
SELECT name, ROW_NUMBER() OVER (PARTITION BY dept ORDER BY salary DESC) AS rn FROM emp ORDER BY name
SELECT CAST(salary AS INT) FROM emp
SELECT CAST(salary AS INTEGER) AS v, salary % 3, salary / 2 FROM emp
SELECT city || '-' || name FROM emp
SELECT "order", "Full Name" FROM log WHERE "Full Name" = 'Ann B'
SELECT [order] FROM log ORDER BY [order] ASC
SELECT b, "Full Name" fn FROM log ORDER BY fn
SELECT a, SUM(n) AS n FROM log GROUP BY a ORDER BY n
SELECT a, n FROM log WHERE b = 'x' OR n <> 4
SELECT * FROM emp, dept WHERE emp.dept = dept.id
SELECT emp.name FROM emp JOIN dept ON emp.dept = dept.id WHERE dept.city = 'Rome'
SELECT emp.* FROM emp
SELECT e.* FROM emp AS e WHERE e.city ISNULL
SELECT name FROM emp WHERE salary BETWEEN 10 AND 20
SELECT STRFTIME('%Y', hired) AS y, COUNT(*) FROM emp GROUP BY y
SELECT name FROM emp WHERE name = 'it''s' OR name = 'Ann'
SELECT x'41', 'A', 1.50, 1e2, .5
SELECT MAX(id, dept), MIN(salary) FROM emp
INSERT INTO dept (id, name) VALUES (9, 'New')
INSERT INTO dept ("id", "name") SELECT e.id, e.name FROM emp e WHERE e.id > 3
UPDATE emp SET salary = salary * 2 WHERE emp.dept = 1
UPDATE emp AS e SET salary = 1 WHERE e.name = 'Ann'
UPDATE emp SET city = d.city FROM dept AS d WHERE d.id = emp.dept
DELETE FROM emp WHERE city IS NULL
DELETE FROM emp AS e WHERE e.salary < 0
CREATE TABLE k (a INTEGER PRIMARY KEY, b TEXT); INSERT INTO k (b) VALUES ('q')
CREATE TABLE k (a INT, b VARCHAR(10) NOT NULL)
CREATE VIEW v AS SELECT name AS x FROM emp WHERE dept = 1
CREATE TABLE z AS SELECT name AS x, city y FROM emp
ALTER TABLE dept ADD COLUMN c INT
DROP TABLE log
SELECT a FROM log WHERE b NOT IN ('x') AND NOT a = 3
SELECT ALL name FROM emp
SELECT name n FROM emp NATURAL JOIN dept
SELECT name FROM emp CROSS JOIN log WHERE a = 2
SELECT e.name FROM emp e, log WHERE e.id = a
SELECT (SELECT MAX(salary) FROM emp x WHERE x.dept = e.dept) AS m FROM emp e ORDER BY m
SELECT name FROM (SELECT e.name, e.salary FROM emp e ORDER BY e.salary DESC LIMIT 2) t
SELECT d.name, COUNT(e.id) AS n FROM dept d LEFT JOIN emp e ON e.dept = d.id GROUP BY d.id HAVING COUNT(e.id) > 0 ORDER BY n DESC, d.name
WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT r.n + 1 FROM r WHERE r.n < 5) SELECT n FROM r
SELECT date FROM (SELECT hired AS date FROM emp) q WHERE q.date > '2022'
SELECT YEAR(hired) FROM emp
SELECT name FROM emp WHERE ISNULL(city, 'none') = 'none'
SELECT IIF(salary > 10, 'y', 'n') AS f FROM emp
SELECT name FROM emp WHERE hired > DATE('2022-01-01')
SELECT group_concat(name, ',') FROM emp
SELECT MOD(id, 2), id % 2, IFNULL(city, 'x') FROM emp
SELECT name FROM emp e WHERE salary > (SELECT AVG(salary) FROM emp f WHERE f.dept = e.dept)
SELECT DATEADD(day, 1, hired) FROM emp
SELECT EXTRACT(YEAR FROM hired) AS yr FROM emp ORDER BY yr
SELECT name FROM emp WHERE salary IN (SELECT MAX(salary) FROM emp) AND (dept = 1 OR dept = 2)
SELECT a, b, GROUP_CONCAT(n) AS ns FROM log GROUP BY a, b ORDER BY a DESC, b
SELECT e.city, COUNT(*) c FROM emp e GROUP BY e.city HAVING c >= 1 ORDER BY c DESC, e.city
SELECT d.city FROM dept d INTERSECT SELECT e.city FROM emp e
SELECT SUM(CASE WHEN e.salary > 10 THEN 1 ELSE 0 END) AS hi FROM emp AS e INNER JOIN dept d ON e.dept = d.id AND d.budget > 1
SELECT name FROM emp WHERE city LIKE "%o%" AND name != "Bob"
SELECT name FROM emp WHERE city = 'Rome' COLLATE NOCASE
SELECT t.n FROM (SELECT COUNT(*) AS n, dept FROM emp GROUP BY dept) t JOIN dept ON dept.id = t.dept
SELECT LAG(salary) OVER (ORDER BY id ASC) prev FROM emp
SELECT name, salary * 1.1 AS raised FROM emp WHERE salary * 1.1 > 12 ORDER BY raised
SELECT (salary + 1) * 2 AS twice FROM emp ORDER BY twice DESC
SELECT UPPER(name) AS name FROM emp ORDER BY name
SELECT UPPER(name) AS u FROM emp ORDER BY u DESC LIMIT 2
SELECT SUBSTR(name, 1, 1) AS initial, COUNT(*) AS n FROM emp GROUP BY initial ORDER BY n, initial
INSERT INTO log SELECT id AS a, name AS b, dept n, 1, 'z' FROM emp AS e WHERE e.id < 3
UPDATE emp SET salary = (SELECT AVG(budget) FROM dept d WHERE d.id = emp.dept) WHERE emp.boss IS NOT NULL
DELETE FROM emp WHERE id IN (SELECT e.boss FROM emp e WHERE e.salary > 1)
CREATE INDEX i ON emp (city ASC, name DESC)
SELECT a FROM log WHERE n = (SELECT MIN(n) FROM log l WHERE l.a = log.a)
SELECT TRUE, FALSE, NULL, CURRENT_DATE IS NOT NULL
SELECT e.name AS "Full Name", e.salary "Pay" FROM emp e ORDER BY "Pay" DESC
SELECT name AS 'who' FROM emp
SELECT COUNT(*) FROM emp AS e JOIN dept USING (city)
SELECT emp.id, dept.id FROM emp FULL OUTER JOIN dept ON emp.dept = dept.id
SELECT emp.id, dept.id FROM emp RIGHT JOIN dept ON emp.dept = dept.id
SELECT name FROM main.emp WHERE main.emp.id = 1
SELECT DISTINCT e.dept AS d, e.city AS c FROM emp AS e ORDER BY d, c
SELECT json_extract('{"a":1}', '$.a') AS j
REPLACE INTO dept (id, name) VALUES (1, 'S')
SELECT 1; SELECT name FROM emp WHERE id = 1; SELECT 'A' AS a
SELECT TO_CHAR(hired, 'YYYY-MM') FROM emp
SELECT DATE_FORMAT(hired, '%Y-%m') AS m, COUNT(*) AS n FROM emp GROUP BY m ORDER BY n
SELECT hired::date FROM emp
SELECT name FROM emp WHERE city ILIKE 'rome'
SELECT DISTINCTROW city FROM emp
SELECT STRAIGHT_JOIN name FROM emp
SELECT name FROM emp ORDER BY salary DESC FETCH FIRST 1 ROWS WITH TIES
SELECT * FROM (SELECT dept, salary FROM emp) s PIVOT (SUM(salary) FOR dept IN ([1],[2])) p
SELECT name FROM emp TABLESAMPLE (10 PERCENT)
SELECT FIRST_VALUE(city) IGNORE NULLS OVER (ORDER BY id) FROM emp
SELECT name FROM emp WITH (NOLOCK) WHERE dept = 1
SELECT `name` FROM `emp` WHERE YEAR(`hired`) = 2023
SELECT NVL(city, 'z') AS c FROM emp e ORDER BY c
SELECT e.name FROM emp e WHERE e.hired > NOW() - INTERVAL 2000 DAY
SELECT name, EXTRACT(YEAR FROM hired) AS y FROM emp WHERE EXTRACT(MONTH FROM hired) = 1
SELECT DATEDIFF(year, hired, '2024-02-01') AS d FROM emp
SELECT name FROM emp WHERE salary > ANY (SELECT budget FROM dept)
SELECT CONCAT(name, '-', city) AS label FROM emp
SELECT IF(salary > 10, "High", "Low") AS band FROM emp
SELECT LEFT(name, 1), RIGHT(name, 1), LENGTH(name) FROM emp
SELECT name FROM emp LIMIT 1, 2
SELECT GROUP_CONCAT(name ORDER BY id DESC SEPARATOR ';') FROM emp
SELECT DISTINCT ON (dept) dept, name FROM emp ORDER BY dept, salary DESC
SELECT name FROM emp WHERE name REGEXP '^A'
SELECT name FROM emp WHERE name RLIKE '^A' && dept = 1
SELECT STRING_AGG(name, ',') FROM emp
SELECT DATE_TRUNC('month', hired) AS m FROM emp ORDER BY m
SELECT DATE_ADD(hired, INTERVAL 1 MONTH) FROM emp
SELECT [name], [city] FROM [emp] WHERE LEN([name]) > 2
SELECT CONVERT(INT, '12'), CONVERT('13', SIGNED)
SELECT TRUNCATE(salary, 1) FROM emp
TRUNCATE TABLE log
INSERT IGNORE INTO dept (id) VALUES (9)
UPDATE emp e JOIN dept d ON e.dept = d.id SET e.salary = d.budget
DELETE e FROM emp e WHERE e.dept = 1
SELECT name FROM emp WHERE dept IN (1, 2) AND "city" = "Rome" AND YEAR(hired) > 2000
SELECT SUM(salary) FILTER (WHERE dept = 1) AS s FROM emp
SELECT dept, SUM(salary) FROM emp GROUP BY dept WITH ROLLUP
SELECT name FROM emp MINUS SELECT name FROM dept
SELECT name FROM emp WHERE ROWNUM <= 2
SELECT POSITION('n' IN name), CHAR_LENGTH(name), REPEAT('a', 3) FROM emp
CREATE TABLE k (a INT PRIMARY KEY, b TEXT DEFAULT 'x'); INSERT INTO k (b) VALUES ('q')
SELECT TOP 2 name FROM emp ORDER BY salary
CREATE TABLE "K" ("A" INT, "B" TEXT, PRIMARY KEY ("A"))
CREATE TABLE c (a INT, d INTEGER REFERENCES dept(id) ON DELETE CASCADE, CHECK (a > 1))

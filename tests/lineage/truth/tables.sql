CREATE TABLE t (a INT, b STRING, c DECIMAL(10,2), d DATE) USING parquet;
CREATE TABLE u (a INT, e STRING, f DOUBLE) USING parquet;
CREATE TABLE nested (
    id INT,
    s STRUCT<x: INT, y: STRUCT<z: STRING>>,
    items ARRAY<STRUCT<p: DOUBLE, q: INT>>,
    m MAP<STRING, STRUCT<v: INT>>,
    l ARRAY<INT>
) USING parquet;
CREATE TABLE target (a INT, b STRING, c DECIMAL(10,2)) USING delta;
CREATE TABLE customer (
    c_custkey BIGINT, c_name STRING, c_address STRING, c_nationkey INT, c_phone STRING, c_acctbal DECIMAL(15,2),
    c_mktsegment STRING, c_comment STRING
) USING parquet;
CREATE TABLE lineitem (
    l_orderkey BIGINT, l_partkey BIGINT, l_suppkey BIGINT, l_linenumber INT, l_quantity DECIMAL(15,2),
    l_extendedprice DECIMAL(15,2), l_discount DECIMAL(15,2), l_tax DECIMAL(15,2), l_returnflag STRING, l_linestatus STRING,
    l_shipdate DATE, l_commitdate DATE, l_receiptdate DATE, l_shipinstruct STRING, l_shipmode STRING, l_comment STRING
) USING parquet;
CREATE TABLE nation (n_nationkey INT, n_name STRING, n_regionkey INT, n_comment STRING) USING parquet;
CREATE TABLE orders (
    o_orderkey BIGINT, o_custkey BIGINT, o_orderstatus STRING, o_totalprice DECIMAL(15,2), o_orderdate DATE,
    o_orderpriority STRING, o_clerk STRING, o_shippriority INT, o_comment STRING
) USING parquet;
CREATE TABLE part (
    p_partkey BIGINT, p_name STRING, p_mfgr STRING, p_brand STRING, p_type STRING, p_size INT, p_container STRING,
    p_retailprice DECIMAL(15,2), p_comment STRING
) USING parquet;
CREATE TABLE partsupp (
    ps_partkey BIGINT, ps_suppkey BIGINT, ps_availqty BIGINT, ps_supplycost DECIMAL(15,2), ps_comment STRING
) USING parquet;
CREATE TABLE region (r_regionkey INT, r_name STRING, r_comment STRING) USING parquet;
CREATE TABLE supplier (
    s_suppkey BIGINT, s_name STRING, s_address STRING, s_nationkey INT, s_phone STRING, s_acctbal DECIMAL(15,2),
    s_comment STRING
) USING parquet;
CREATE VIEW kept_view AS SELECT upper(b) AS k FROM t WHERE a > 0;
CREATE TEMPORARY FUNCTION area(x INT, y INT) RETURNS INT RETURN x * y + 1;
CREATE TEMPORARY FUNCTION rows_above(k INT) RETURNS TABLE (e STRING, f DOUBLE) RETURN SELECT e, f * 2 FROM u WHERE u.a > k;
CREATE TABLE deep (id INT, s STRUCT<x: INT, y: STRING>) USING delta;
CREATE TABLE derived (
    a INT, d DATE, y INT GENERATED ALWAYS AS (year(d)), w BIGINT GENERATED ALWAYS AS (CAST(a AS BIGINT) * 2)
) USING delta;

-- The check as one PostgreSQL function: what check.lua does, with tables for hashes.
CREATE TABLE limits (qty bigint, value bigint, collar bigint, long bigint, short bigint, gross bigint, firm bigint);
CREATE TABLE reference (instrument int PRIMARY KEY, price bigint NOT NULL);
CREATE TABLE held (account int, instrument int, position bigint NOT NULL DEFAULT 0, buy bigint NOT NULL DEFAULT 0,
    sell bigint NOT NULL DEFAULT 0, PRIMARY KEY (account, instrument)) WITH (fillfactor = 50);
CREATE TABLE gross (account int PRIMARY KEY, value bigint NOT NULL DEFAULT 0) WITH (fillfactor = 50);
CREATE TABLE firm (value bigint NOT NULL DEFAULT 0) WITH (fillfactor = 50);
CREATE TABLE orders (id bigint PRIMARY KEY, account int, instrument int, side int, value bigint, leaves bigint);

-- The firm's row is one that all clients wait for, until the commit is on disk. Without it (firm_ false)
-- the firm as a whole has no limit.
CREATE FUNCTION check_order(account_ int, instrument_ int, side_ int, price_ bigint, qty_ bigint, id_ bigint,
    firm_ boolean) RETURNS int LANGUAGE plpgsql AS $$
DECLARE l limits; reference_ bigint; row_ held; value_ bigint := price_ * qty_; gross_ bigint;
BEGIN
    SELECT * INTO l FROM limits;
    SELECT price INTO reference_ FROM reference WHERE instrument = instrument_;
    IF reference_ IS NULL THEN RETURN 203; END IF;
    IF qty_ > l.qty THEN RETURN 208; END IF;
    IF value_ > l.value THEN RETURN 210; END IF;
    IF abs(price_ - reference_) * 10000 > reference_ * l.collar THEN RETURN 207; END IF;
    SELECT * INTO row_ FROM held WHERE account = account_ AND instrument = instrument_ FOR UPDATE;
    IF side_ = 1 AND row_.position + row_.buy + qty_ > l.long THEN RETURN 214; END IF;
    IF side_ <> 1 AND row_.sell + qty_ - row_.position > l.short THEN RETURN 215; END IF;
    SELECT value INTO gross_ FROM gross WHERE account = account_ FOR UPDATE;
    IF gross_ + value_ > l.gross THEN RETURN 218; END IF;
    IF firm_ THEN
        SELECT value INTO gross_ FROM firm FOR UPDATE;
        IF gross_ + value_ > l.firm THEN RETURN 218; END IF;
        UPDATE firm SET value = value + value_;
    END IF;
    IF side_ = 1 THEN
        UPDATE held SET buy = buy + qty_ WHERE account = account_ AND instrument = instrument_;
    ELSE
        UPDATE held SET sell = sell + qty_ WHERE account = account_ AND instrument = instrument_;
    END IF;
    UPDATE gross SET value = value + value_ WHERE account = account_;
    INSERT INTO orders VALUES (id_, account_, instrument_, side_, value_, qty_);
    RETURN 0;
END $$;

-- An empty book, in tables without dead rows.
CREATE FUNCTION forget(accounts int, instruments int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    TRUNCATE held, gross, firm, orders;
    INSERT INTO held SELECT a, i FROM generate_series(1, accounts) a, generate_series(1, instruments) i;
    INSERT INTO gross SELECT a FROM generate_series(1, accounts) a;
    INSERT INTO firm DEFAULT VALUES;
END $$;

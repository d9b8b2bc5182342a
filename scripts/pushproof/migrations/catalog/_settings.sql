-- The session of a description: names come out qualified, constants alike whatever the server's or the role's settings,
-- and nothing can be written. Compiling the query would take longer than running it.
set local search_path = '';
set local timezone = 'UTC';
set local datestyle = 'ISO';
set local intervalstyle = 'postgres';
set local bytea_output = 'hex';
set local extra_float_digits = 1;
set local quote_all_identifiers = off;
set local jit = off;
set local transaction_read_only = on;

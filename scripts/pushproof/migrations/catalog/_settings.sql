-- Settings of a session that describes a database: names are qualified, constants do not depend on the settings of the
-- server or the role, and nothing can be written. JIT is off, as compiling the query takes longer than running it.
set local search_path = '';
set local timezone = 'UTC';
set local datestyle = 'ISO';
set local intervalstyle = 'postgres';
set local bytea_output = 'hex';
set local extra_float_digits = 1;
set local quote_all_identifiers = off;
set local jit = off;
set local transaction_read_only = on;

-- Sample data, run after the migrations by a reset of a database. Sessions belong to users, and users sign up
-- through Auth, so there is nothing that could be here from the start. Add rows that belong to nobody; keep it repeatable.
select 'no seed' as seed;

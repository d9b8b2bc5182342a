-- Sample data. A reset of a database runs it after the migrations. It has no rows: sessions belong to users, and users
-- sign up through Auth. Add rows that belong to nobody, in a form that can run repeatedly.
select 'no seed' as seed;

-- Delete users that functions of the project made from the texts of a run.
delete from auth.users u where pg_catalog.concat(u.email, u.phone, u.raw_user_meta_data) like %(mark)s

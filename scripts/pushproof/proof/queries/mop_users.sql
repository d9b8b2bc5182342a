-- Users that a function of the project made of the texts it was given in a run.
delete from auth.users u where pg_catalog.concat(u.email, u.phone, u.raw_user_meta_data) like %(mark)s

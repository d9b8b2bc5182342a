-- Every user of a local project, and by cascade every row that refers to one.
truncate auth.users cascade

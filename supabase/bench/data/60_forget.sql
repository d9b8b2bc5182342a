-- What was only there to be loaded from.
drop schema bench cascade;

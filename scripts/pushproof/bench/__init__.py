"""A project's own benchmark, from supabase/bench: data, samples of it, and the queries that are promised to be fast."""

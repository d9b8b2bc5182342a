"""The suites of `pushproof bench`. A project's own benchmark is in supabase/bench: data, samples and queries."""

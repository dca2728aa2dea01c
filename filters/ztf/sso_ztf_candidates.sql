-- owner: solar-system@example.org
-- summary: Solar-system objects that the Minor Planet Center knows.
-- The rule is that of the topic fink_sso_ztf_candidates_ztf, in fink-filters 7.45.
-- roid: 0 none, 1 first seen, 2 candidate, 3 known to the Minor Planet Center.
roid = 3

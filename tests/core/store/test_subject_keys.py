"""Keys of subjects on each kind of database: made once, found, wrapped anew, destroyed for good."""

from __future__ import annotations

from hookline.core.store import Store, schema, subject_keys


def test_keys_are_made_found_and_destroyed(store: Store) -> None:
    keys = [
        subject_keys.SubjectKey(f"t1.{n}", f"key-{n}", f"wrapped-{n}", "default", 1, "2026-01-01") for n in range(3)
    ]
    subject_keys.add(store, keys)
    subject_keys.add(store, [subject_keys.SubjectKey("t1.1", "other", "other", "default", 1, "2027-01-01")])
    assert subject_keys.find(store, ["t1.1", "t1.9"]) == {"t1.1": keys[1]}
    assert subject_keys.find_by_id(store, ["key-2"]) == {"key-2": keys[2]}
    assert set(subject_keys.destroy(store, {"t1.1": "default", "t1.9": "default"}, "2026-05-04")) == {"t1.1"}
    assert subject_keys.erased(store, ["t1.0", "t1.1", "t1.9"]) == {"t1.1": "2026-05-04", "t1.9": "2026-05-04"}
    assert store.scrub(schema.subject_keys)
    subject_keys.rewrap(store, {"t1.0": ("anew", 2), "t1.1": ("anew", 2)})
    kept = {one.subject: (one.wrapped, one.key_version) for one in subject_keys.wrapped_under(store, "default")}
    assert kept == {"t1.0": ("anew", 2), "t1.2": ("wrapped-2", 1)}

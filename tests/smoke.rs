//! Workspace-level smoke test.
#[test]
fn workspace_builds() {}

//! x
use clap::Args;
#[derive(Debug, Args)]
pub(crate) struct DemoArgs { #[arg(long)] json: bool }
pub(crate) fn run(_: &DemoArgs) -> anyhow::Result<()> { Ok(()) }

//! The firm's file: whatever the text is, it becomes a firm or a list of mistakes, each with its place.

use engine::command::Command;
use engine::firm::Firm;
use wire::Time;

pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    match Firm::parse("firm.toml", text) {
        Ok(firm) => {
            let genesis = firm.genesis(Time(1));
            assert!(
                !genesis.is_empty() && !firm.first_day(20_260_302).is_empty(),
                "a firm that is taken has something to say"
            );
            let sessions = firm.sessions().len();
            let defined = |c: &&Command| matches!(c, Command::DefineSession(_));
            assert_eq!(genesis.iter().filter(defined).count(), sessions);
        }
        Err(mistakes) => {
            let said = mistakes.to_string();
            assert!(said.contains("firm.toml"), "{said}");
        }
    }
}

//! The command line, for parsing and for the help, the completions and the manual page.

use std::fmt::Write as _;

use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, CommandFactory, FromArgMatches, Parser, Subcommand};
use clap_complete::Shell;

use crate::action::{Action, Choice, OBJECTS, Object, Times};
use crate::given::Given;
use crate::options::Options;

/// Shows and changes the processes of HAProxy as one.
///
/// Frontends, backends, servers, maps and ACLs of many HAProxy processes are read and
/// changed through their stats sockets, each as one object.
#[derive(Parser)]
#[command(name = "haproxytool", version, args_override_self = true, arg_required_else_help = true)]
#[command(subcommand_value_name = "OBJECT", after_help = RULES)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) options: Options,
    #[command(subcommand)]
    pub(crate) order: Order,
}

#[derive(Subcommand)]
pub(crate) enum Order {
    #[command(flatten)]
    Act(Box<Act>),
    /// Print the completions of this command line for a shell
    Completions { shell: Shell },
    /// Print the manual page
    Man,
}

/// An action, the words after it, and the options between them.
pub(crate) struct Act {
    pub(crate) action: &'static Action,
    pub(crate) words: Vec<String>,
    /// The options of the action alone.
    pub(crate) given: Given,
    pub(crate) options: Options,
}

impl Cli {
    /// Returns the completions for a shell.
    pub(crate) fn completions(shell: Shell) -> Vec<u8> {
        let mut text = Vec::new();
        clap_complete::generate(shell, &mut Self::command(), "haproxytool", &mut text);
        text
    }
}

/// The objects, each with its actions. They accept the options in every position, as clap's own
/// global options do. Clap's options keep only the last position of a repeated option, however.
impl Subcommand for Act {
    fn augment_subcommands(command: Command) -> Command {
        command.subcommands(OBJECTS.iter().map(object_command))
    }

    fn augment_subcommands_for_update(command: Command) -> Command {
        Self::augment_subcommands(command)
    }

    fn has_subcommand(name: &str) -> bool {
        OBJECTS.iter().any(|object| object.name == name)
    }
}

impl FromArgMatches for Act {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let missing = || clap::Error::new(ErrorKind::MissingSubcommand);
        let (name, below) = matches.subcommand().ok_or_else(missing)?;
        let object = OBJECTS.iter().find(|object| object.name == name).ok_or_else(missing)?;
        let mut options = Options::from_arg_matches(below)?;
        let (action, last) = match (object.only_action(), below.subcommand()) {
            (Some(action), _) => (action, below),
            (None, Some((name, last))) => {
                options.add(Options::from_arg_matches(last)?);
                (object.actions.iter().find(|action| action.name == name).ok_or_else(missing)?, last)
            }
            (None, None) => return Err(missing()),
        };
        let words = last.get_many::<String>(WORDS).unwrap_or_default().cloned().collect();
        Ok(Self { action, words, given: Given::new(action, last), options })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

fn object_command(object: &Object) -> Command {
    // The options bring the text of their own documentation, so `about` is set afterwards.
    let command = Options::augment_args(Command::new(object.name).args_override_self(true));
    let command = command.about(object.doc).long_about(None);
    match object.only_action() {
        Some(action) => with_words(command, action),
        None => command
            .subcommand_required(true)
            .arg_required_else_help(true)
            .disable_help_subcommand(true)
            .subcommand_value_name("ACTION")
            .help_template(object_help(object))
            .subcommands(object.actions.iter().map(action_command)),
    }
}

fn action_command(action: &'static Action) -> Command {
    let command = Options::augment_args(Command::new(action.name).args_override_self(true));
    with_words(command.about(action.doc).long_about(None), action)
}

fn with_words(command: Command, action: &Action) -> Command {
    let usage = format!("haproxytool {} [OPTIONS] {}", action.words(), action.form);
    let command = command.args(action.options.iter().map(option));
    command.override_usage(usage.trim_end().to_owned()).arg(Arg::new(WORDS).num_args(0..).hide(true))
}

fn option(choice: &Choice) -> Arg {
    let option = Arg::new(choice.name).long(choice.name).help(choice.doc).display_order(0);
    let names: Vec<&str> = choice.values.split_whitespace().collect();
    match names.len() {
        0 => option.action(ArgAction::SetTrue),
        count => option
            .value_names(names)
            .num_args(count)
            .allow_hyphen_values(true)
            .required(choice.times == Times::Required)
            .action(ArgAction::Append),
    }
}

/// Lists the actions, one on each line, with the words that each takes.
fn object_help(object: &Object) -> String {
    let mut text = "{about}\n\nUsage: {usage}\n\nActions:\n".to_owned();
    let line = |action: &Action| [action.name, &action.syntax()].join(" ").trim_end().to_owned();
    let widths = object.actions.iter().map(|action| line(action).len());
    let width = widths.filter(|width| *width <= WIDEST).max().unwrap_or(0);
    for action in object.actions {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {:width$}  {}", line(action), action.doc);
    }
    text + "\nOptions:\n{options}"
}

/// Width of the widest action that the documentation of all actions is moved for.
const WIDEST: usize = 44;

const WORDS: &str = "words";

const RULES: &str = "\
`haproxytool OBJECT --help` has the actions of an object.

An action that changes objects needs their names or --all. An action that prints takes
all objects if no name is given. An argument in brackets is set if it is given, and
printed if it is not: of two or more words the last one is the argument. A server is
BACKEND/SERVER; SERVER alone means the servers of that name in all backends. Words that
begin with `-` go behind `--`.

Exit status: 0 if all is well, also if some processes do not have the object and others
do; 1 if something failed or does not exist; 2 if the command line is wrong; 3 if
`settings restore --plan` has changes.";

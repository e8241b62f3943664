use crate::action::{ACTIONS, Action};
use crate::options::Options;
use crate::problem::Problem;

/// One action with its names and arguments, as many as it takes.
pub(crate) struct Call {
    pub(crate) object: &'static str,
    pub(crate) action: &'static str,
    /// Empty for all, where that is permitted.
    pub(crate) names: Vec<String>,
    pub(crate) all: bool,
    pub(crate) backend: Option<String>,
    pub(crate) port: Option<u16>,
    arguments: Vec<String>,
}

impl Call {
    pub(crate) fn parse(options: &Options) -> Result<Self, Problem> {
        let (action, words) = find(&options.words)?;
        let words_of = [action.object, action.name].join(" ");
        let place = words_of.trim_end();
        let wrong = |why: &str| Err(Problem::Usage(format!("{place}: {why}")));
        let all = options.has("--all");
        let has_port = action.form.contains("--port");
        let form = Form::new(action.form.split(" [--port").next().unwrap_or_default());
        if all && !form.names {
            return wrong("takes no --all");
        }
        if options.backend.is_some() && !(action.object == "server" && form.names) {
            return wrong("takes no --backend");
        }
        let Some(names) = form.names_among(words.len(), all) else {
            let instead = if form.needs_name && !all { ", or --all in place of names" } else { "" };
            return wrong(&match action.form {
                "" => "expected no more words".to_owned(),
                words => format!("expected {words}{instead}"),
            });
        };
        let (names, arguments) = words.split_at(names);
        if options.backend.is_some() && names.iter().any(|name| name.contains('/')) {
            return wrong("takes --backend or BACKEND/SERVER, not both");
        }
        if options.port.is_some() && (!has_port || arguments.is_empty()) {
            return wrong("takes --port with an address only");
        }
        // A server by itself is that of the backend, if one is given.
        let path = |name: &String| match &options.backend {
            Some(backend) if !name.contains('/') => format!("{backend}/{name}"),
            _ => name.clone(),
        };
        Ok(Self {
            object: action.object,
            action: action.name,
            names: names.iter().map(path).collect(),
            all,
            backend: options.backend.clone(),
            port: options.port,
            arguments: arguments.to_vec(),
        })
    }

    /// Its argument, if it can have one and has.
    pub(crate) fn argument(&self) -> Option<&str> {
        self.arguments.first().map(String::as_str)
    }

    /// Its arguments, of which there are as many.
    pub(crate) fn arguments<const N: usize>(&self) -> Result<[&str; N], Problem> {
        let arguments: Vec<&str> = self.arguments.iter().map(String::as_str).collect();
        arguments.try_into().map_err(|_| Problem::Usage(format!("expected {N} arguments")))
    }
}

/// The action that the first words name, and the words behind them.
fn find(words: &[String]) -> Result<(&'static Action, &[String]), Problem> {
    let Some((object, rest)) = words.split_first() else {
        return Err(Problem::Usage("expected OBJECT ACTION".into()));
    };
    let of_object = || ACTIONS.iter().filter(|action| action.object == *object);
    let Some(first) = of_object().next() else {
        return Err(Problem::Usage(format!("unknown object {object:?}")));
    };
    if first.name.is_empty() {
        return Ok((first, rest));
    }
    let Some((name, rest)) = rest.split_first() else {
        return Err(Problem::Usage(format!("{object}: expected ACTION")));
    };
    match of_object().find(|action| action.name == *name) {
        Some(action) => Ok((action, rest)),
        None => Err(Problem::Usage(format!("{object}: unknown action {name:?}"))),
    }
}

/// How many words an action takes.
struct Form {
    names: bool,
    needs_name: bool,
    required: usize,
    optional: usize,
}

impl Form {
    fn new(form: &str) -> Self {
        let count = |wanted: fn(&str) -> bool| form.split_whitespace().filter(|word| wanted(word)).count();
        Self {
            names: form.contains("NAME..."),
            needs_name: form.starts_with("NAME..."),
            required: count(|word| !word.starts_with('[') && !word.ends_with("...")),
            optional: count(|word| word.starts_with('[') && !word.ends_with("...]")),
        }
    }

    /// How many of the words are names, the others being arguments; `None` if there
    /// are too many or too few.
    fn names_among(&self, words: usize, all: bool) -> Option<usize> {
        if !self.names || all {
            return (self.required..=self.required + self.optional).contains(&words).then_some(0);
        }
        let names = words.checked_sub(self.required)?;
        match names {
            0 if self.needs_name => None,
            0 | 1 => Some(names),
            _ => Some(names - self.optional),
        }
    }
}

use crate::action::Action;
use crate::given::Given;
use crate::options::Options;
use crate::problem::Problem;

/// One action with its names and arguments.
pub(crate) struct Call {
    pub(crate) object: &'static str,
    pub(crate) action: &'static str,
    /// Names of objects; empty for all, if the action permits it.
    pub(crate) names: Vec<String>,
    pub(crate) all: bool,
    pub(crate) backend: Option<String>,
    /// Set if JSON is printed.
    pub(crate) json: bool,
    /// The options of the action alone.
    pub(crate) given: Given,
    arguments: Vec<String>,
}

impl Call {
    pub(crate) fn new(
        action: &'static Action,
        words: &[String],
        given: Given,
        options: &Options,
    ) -> Result<Self, Problem> {
        let wrong = |why: &str| Err(Problem::Usage(format!("{}: {why}", action.words())));
        let all = options.all;
        let form = Form::new(action.form);
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
        if let (Some(option), true) = (given.any(), form.optional > 0 && arguments.is_empty()) {
            return wrong(&format!("takes --{option} with a value to set only"));
        }
        // A server name without a backend belongs to the backend of the options, if they have one.
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
            json: options.json,
            given,
            arguments: arguments.to_vec(),
        })
    }

    /// Returns the optional argument, if it is there.
    pub(crate) fn argument(&self) -> Option<&str> {
        self.arguments.first().map(String::as_str)
    }

    /// Returns the arguments after the first one.
    pub(crate) fn later_arguments(&self) -> &[String] {
        self.arguments.get(1..).unwrap_or_default()
    }

    /// Returns all arguments.
    pub(crate) fn words(&self) -> &[String] {
        &self.arguments
    }

    /// Returns the arguments of an action that takes `N` of them.
    pub(crate) fn arguments<const N: usize>(&self) -> Result<[&str; N], Problem> {
        let arguments: Vec<&str> = self.arguments.iter().map(String::as_str).collect();
        arguments.try_into().map_err(|_| Problem::Usage(format!("expected {N} arguments")))
    }
}

/// Number of words that an action takes.
struct Form {
    names: bool,
    needs_name: bool,
    required: usize,
    optional: usize,
    /// The last argument can be given several times.
    repeats: bool,
}

impl Form {
    fn new(form: &str) -> Self {
        let count = |wanted: fn(&str) -> bool| form.split_whitespace().filter(|word| wanted(word)).count();
        Self {
            names: form.contains("NAME..."),
            needs_name: form.starts_with("NAME..."),
            required: count(|word| !word.starts_with('[') && word != "NAME..."),
            optional: count(|word| word.starts_with('[') && !word.ends_with("...]")),
            repeats: count(|word| word.contains("...") && !word.contains("NAME...")) > 0,
        }
    }

    /// Returns the number of words that are names; the other words are arguments. Returns `None` if
    /// there are too many or too few words.
    fn names_among(&self, words: usize, all: bool) -> Option<usize> {
        if !self.names || all {
            let most = if self.repeats { usize::MAX } else { self.required + self.optional };
            return (self.required..=most).contains(&words).then_some(0);
        }
        let names = words.checked_sub(self.required)?;
        match names {
            0 if self.needs_name => None,
            0 | 1 => Some(names),
            _ => Some(names - self.optional),
        }
    }
}

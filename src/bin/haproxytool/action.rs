//! The table of objects and actions, from which the parser, the help, the completions and the
//! manual page are made.

/// A kind of object, or the word `command`.
pub(crate) struct Object {
    pub(crate) name: &'static str,
    pub(crate) doc: &'static str,
    pub(crate) actions: &'static [Action],
}

/// One action of one kind of object.
pub(crate) struct Action {
    pub(crate) object: &'static str,
    /// Empty if the object has only one action.
    pub(crate) name: &'static str,
    /// The words after the name: `NAME...` for names of objects, `[...]` around words that can be
    /// left out.
    pub(crate) form: &'static str,
    pub(crate) options: &'static [Choice],
    pub(crate) doc: &'static str,
}

/// An option of single actions.
pub(crate) struct Choice {
    pub(crate) name: &'static str,
    /// The names of its values; empty for a flag.
    pub(crate) values: &'static str,
    pub(crate) doc: &'static str,
    pub(crate) times: Times,
}

/// Number of times that an option is given.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Times {
    /// Once, or not at all.
    Optional,
    Required,
}

impl Object {
    /// Returns the action of an object that has only one. This action has no name.
    pub(crate) fn only_action(&self) -> Option<&'static Action> {
        self.actions.first().filter(|action| action.name.is_empty())
    }
}

impl Action {
    /// Returns the object and the action, as they are typed.
    pub(crate) fn words(&self) -> String {
        [self.object, self.name].join(" ").trim_end().to_owned()
    }

    /// Returns the words and options that follow.
    pub(crate) fn syntax(&self) -> String {
        let words = Some(self.form.to_owned()).filter(|words| !words.is_empty());
        let options = self.options.iter().map(Choice::syntax);
        words.into_iter().chain(options).collect::<Vec<_>>().join(" ")
    }
}

impl Choice {
    const fn flag(name: &'static str, doc: &'static str) -> Self {
        Self::of(name, "", doc, Times::Optional)
    }

    const fn value(name: &'static str, value: &'static str, doc: &'static str) -> Self {
        Self::of(name, value, doc, Times::Optional)
    }

    const fn of(name: &'static str, values: &'static str, doc: &'static str, times: Times) -> Self {
        Self { name, values, doc, times }
    }

    /// Returns the option with its values, as it is typed.
    pub(crate) fn words(&self) -> String {
        format!("--{} {}", self.name, self.values).trim_end().to_owned()
    }

    fn syntax(&self) -> String {
        match self.times {
            Times::Optional => format!("[{}]", self.words()),
            Times::Required => self.words(),
        }
    }
}

macro_rules! actions {
    ($($object:ident $about:literal { $($name:literal $form:literal $([$($option:expr),*])? $doc:literal)* })*) => {
        /// Every object, in the order of the help.
        pub(crate) const OBJECTS: &[Object] = &[
            $(Object {
                name: stringify!($object),
                doc: $about,
                actions: &[
                    $(Action {
                        object: stringify!($object),
                        name: $name,
                        form: $form,
                        options: &[$($($option),*)?],
                        doc: $doc,
                    },)*
                ],
            },)*
        ];
    };
}

const FROM: Choice =
    Choice::of("from", "DEFAULTS", "Take the settings of this `defaults` section", Times::Required);
const MODE: Choice = Choice::value("mode", "MODE", "Set the mode, tcp or http");
const GUID: Choice = Choice::value("guid", "GUID", "Set the identifier that is unique in its process");
const PORT: Choice = Choice::value("port", "PORT", "Set the port too");

const TEMPLATE: Choice = Choice::of(
    "template",
    "ADDRESS:PORT",
    "Address of the `server-template` line, which a free slot has",
    Times::Required,
);
const WEIGHT: Choice = Choice::value("weight", "N", "Set the weight, from 0 to 256");
const CHECK: Choice = Choice::flag("check", "Run health checks");
const DRAIN: Choice =
    Choice::value("drain", "SECONDS", "Wait that long for sessions to end; 10 if not given");
const KEY: Choice = Choice::value("key", "KEY", "Take the entry with this key");
const DATA: Choice = Choice::value(
    "data",
    "TYPE OP VALUE",
    "Take entries whose value is eq, ne, le, ge, lt or gt; up to four times",
);
const PLAN: Choice = Choice::flag("plan", "Print the changes and do not make them");
const MIRROR: Choice = Choice::value("mirror", "FILE", "Then write this file anew, for the next reload");
const WITHIN: Choice = Choice::value("within", "SECONDS", "Wait that long; 30 if not given");
const THEN: Choice = Choice::value("then", "maint", "Then put it into maintenance");
const END: Choice = Choice::flag("force", "Then end the sessions that are left");
const UNDO: Choice = Choice::flag("undo", "Then set every process back, if sessions are left");
const FORCE: Choice = Choice::flag("force", "End the sessions that are left then");

const EVERY: Choice = Choice::value("every", "SECONDS", "Take intervals of that length; 2 if not given");
const COUNT: Choice = Choice::value("count", "N", "End after that many intervals");
const BEAT: Choice = Choice::value("every", "SECONDS", "Read all states at this beat; 1 if not given");
const RING: Choice = Choice::value("ring", "NAME", "Follow the ring that holds the log lines of servers");
const ADDRESSES: Choice = Choice::flag(
    "addresses",
    "Restore addresses over a reload too, also if the configuration has changed them",
);
const MAXCONN: Choice =
    Choice::flag("maxconn", "Restore maxconn over a reload too, also if the configuration has changed it");
const PATTERNS: Choice =
    Choice::flag("patterns", "Save entries of maps and ACLs that differ from their files too");
const ROOT: Choice =
    Choice::value("root", "DIR", "Root directory of the processes, for --patterns: /proc/PID/root");
const PLAIN_KEYS: Choice =
    Choice::flag("plain-keys", "No key of a map has a blank, for --patterns: values may have some");
const CHANGED_FILES: Choice = Choice::flag(
    "files",
    "Restore entries too if their file was changed after the start of the process that was saved",
);
const DYNAMIC: Choice =
    Choice::value("dynamic", "SERVER", "Add this BACKEND/SERVER again if it is gone; several times");
const SLOTS: Choice = Choice::value(
    "template",
    "LINE",
    "Restore the addresses of a `server-template`, BACKEND/PREFIX=ADDRESS:PORT; several times",
);

const MAX_UNAVAILABLE: Choice = Choice::value(
    "max-unavailable",
    "N",
    "Let N servers of a backend be unavailable at a time; 1 if not given",
);
const MIN_HEALTHY: Choice =
    Choice::value("min-healthy", "N", "Keep N other servers of a backend up; 1 if not given");
const SESSIONS: Choice =
    Choice::value("drain", "SECONDS", "Wait that long for sessions to end; 30 if not given");
const UP: Choice = Choice::value(
    "up-within",
    "SECONDS",
    "Wait that long for servers to be up, and for the budgets; 60 if not given",
);
const LIKE: Choice = Choice::value("like", "LABEL", "Compare with this process, and not with most of them");

const OPTION: Choice = Choice::value("option", "NAME VALUE", "Set an option of the entry; several times");

actions! {
    process "The HAProxy processes themselves: figures, limits, counters" {
        "list" "" "label, release, pid and address of each process, and the reason if one is dead"
        "info" "" "every key of `show info`"
        "metrics" "" "names of these keys"
        "metric" "KEY" "one key"
        "requests" "" "HTTP requests"
        "pids" "" "process id of each"
        "uptime" "" "time since each started, in words"
        "uptime-seconds" "" "time since each started, in seconds"
        "version" "" "release"
        "released" "" "date of the release"
        "node" "" "name of the node"
        "description" "" "description of the configuration"
        "errors" "[PROXY]" "last messages that HAProxy refused"
        "show" "REPORT" "a report as text: activity, threads, ...; a wrong word lists them"
        "maxconn" "[N]" "connections at once"
        "ratelimit" "[WHAT] [N]" "connections, sessions, ssl-sessions, http-compression"
        "clear" "WHAT" "counters: all, or max"
    }
    command "Send a command line to each process and print the whole replies" {
        "" "LINE" "send a command line to each process and print the whole replies"
    }
    frontend "Frontends, merged over all processes" {
        "list" "[NAME...]" "names"
        "status" "[NAME...]" "status"
        "requests" "[NAME...]" "requests"
        "process" "[NAME...]" "labels of the processes that have it"
        "iid" "[NAME...]" "number in the configuration"
        "metrics" "" "names of metrics"
        "metric" "[NAME...] METRIC" "one metric"
        "maxconn" "[NAME...] [N]" "connections at once"
        "set" "NAME... OPTION VALUE" "set an option, of which there is maxconn"
        "enable" "NAME..." "accept connections again"
        "disable" "NAME..." "accept no connections until it is enabled"
        "shutdown" "NAME..." "close the sockets for good"
    }
    backend "Backends, merged over all processes" {
        "list" "[NAME...]" "names"
        "servers" "[NAME...]" "names of its servers"
        "status" "[NAME...]" "status"
        "requests" "[NAME...]" "requests"
        "process" "[NAME...]" "labels of the processes that have it"
        "iid" "[NAME...]" "number in the configuration"
        "metrics" "" "names of metrics"
        "metric" "[NAME...] METRIC" "one metric"
        "states" "[NAME...]" "states of its servers, in each process"
        "shutdown-sessions" "NAME..." "end all sessions on its servers at once"
        "add" "NAME" [FROM, MODE, GUID] "make one without servers, which rules do not choose yet"
        "publish" "NAME..." "let rules choose it"
        "unpublish" "NAME..." "keep rules from choosing it"
        "wait" "NAME... CONDITION" [WITHIN] "wait for up, down or servers=N"
        "delete" "NAME..." [DRAIN] "delete one without servers once its sessions have ended"
    }
    server "Servers, merged over all processes" {
        "list" "[NAME...]" "backends and names"
        "status" "[NAME...]" "status"
        "requests" "[NAME...]" "requests"
        "process" "[NAME...]" "labels of the processes that have it"
        "sid" "[NAME...]" "number in the backend"
        "metrics" "" "names of metrics"
        "metric" "[NAME...] METRIC" "one metric"
        "states" "[NAME...]" "administrative and operational state in each process"
        "check-code" "[NAME...]" "code that the last health check got"
        "check-status" "[NAME...]" "result of the last health check"
        "last-status" "[NAME...]" "text of the last health check"
        "last-agent" "[NAME...]" "text of the last agent check"
        "address" "[NAME...] [ADDRESS]" [PORT] "address, with its port"
        "port" "[NAME...] [PORT]" "port"
        "fqdn" "[NAME...] [HOST]" "name that the address is resolved from"
        "weight" "[NAME...] [WEIGHT]" "0 to 256, or a percentage of the initial one"
        "maxconn" "[NAME...] [N]" "requests at once"
        "state" "[NAME...] [STATE]" "ready, drain, maint"
        "ready" "NAME..." "take all traffic"
        "drain" "NAME..." [WITHIN, THEN, END, UNDO] "take only persistent traffic; wait, with an option"
        "wait" "NAME... CONDITION" [WITHIN] "wait for up, down, idle, drained or weight=N"
        "maint" "NAME..." "take no traffic"
        "enable" "NAME..." "end maintenance"
        "disable" "NAME..." "begin maintenance"
        "health" "NAME... STATE" "up, stopping, down"
        "enable-health" "NAME..." "start health checks again"
        "disable-health" "NAME..." "stop health checks"
        "check-port" "NAME... PORT" "port of health checks"
        "check-addr" "NAME... ADDRESS" [PORT] "address of health checks"
        "agent" "NAME... STATE" "up, down"
        "enable-agent" "NAME..." "start agent checks again"
        "disable-agent" "NAME..." "stop agent checks"
        "agent-addr" "NAME... HOST" [PORT] "address of agent checks"
        "agent-port" "NAME... PORT" "port of agent checks"
        "agent-send" "NAME... TEXT" "text that agent checks send"
        "ssl" "NAME... SWITCH" "TLS to the server: on, off"
        "shutdown-sessions" "NAME..." "end all sessions at once"
        "add" "BACKEND/SERVER ADDRESS:PORT [WORD...]" [WEIGHT, CHECK] "add a server; words of `add server`"
        "delete" "NAME..." [DRAIN, FORCE] "delete it once its sessions have ended"
        "take" "BACKEND PREFIX ADDRESS:PORT" [TEMPLATE, WEIGHT] "give the address to a free slot"
        "release" "NAME..." [TEMPLATE, DRAIN, FORCE] "give slots back once their sessions have ended"
    }
    rates "Requests, sessions, bytes and errors per second" {
        "" "" [EVERY, COUNT] "print the rates of frontends and backends for each interval, until the tool is ended"
    }
    settings "Settings of all servers, and entries of maps and ACLs, remembered in a file over a reload" {
        "save" "FILE" [PATTERNS, ROOT, PLAIN_KEYS] "write states, weights, addresses, limits and checks to a file"
        "restore" "FILE" [PLAN, ADDRESSES, MAXCONN, CHANGED_FILES, DYNAMIC, SLOTS] "restore what was lost"
    }
    plan "The steps that bring all processes to the desired state of a file" {
        "" "FILE" "print the steps of each process and do not take them; FILE is JSON, - for stdin"
    }
    apply "Bring all processes to the desired state of a file" {
        "" "FILE" [MAX_UNAVAILABLE, MIN_HEALTHY, SESSIONS, FORCE, UP] "add, change and drain servers, change maps, ACLs and certificates, and read them back"
    }
    drift "Differences between the processes themselves" {
        "" "" [LIKE] "print the steps that would make each process equal to most of them, or to one"
    }
    session "Sessions of each process: connections, and requests" {
        "list" "" "ids, ages, clients, and names of frontend, backend and server"
        "count" "" "how many each process has"
        "shutdown" "ID" "end one session at once"
    }
    cert "TLS certificates in the memory of the processes" {
        "list" "" "names, and which have a change that is not committed"
        "show" "NAME" "validity, names and fingerprint in each process"
        "set" "NAME FILE" "replace a certificate and its key on all processes, or on none"
        "delete" "NAME" "delete an unused certificate"
    }
    ca "CA files in the memory of the processes: certificates of the authorities to trust" {
        "list" "" "names, and numbers of certificates"
        "show" "NAME" "the certificates in each process"
        "set" "NAME FILE" "replace the certificates on all processes, or on none"
        "delete" "NAME" "delete an unused file"
    }
    crl "CRL files in the memory of the processes: lists of revoked certificates" {
        "list" "" "names, and which have a change that is not committed"
        "show" "NAME" "the lists in each process"
        "set" "NAME FILE" "replace the lists on all processes, or on none"
        "delete" "NAME" "delete an unused file"
    }
    crtlist "Lists of certificates (crt-list) in the memory of the processes" {
        "list" "" "names"
        "show" "LIST" "entries with their options and names"
        "add" "LIST CERT [HOST...]" [OPTION] "serve a certificate, for its own names or for the given ones"
        "delete" "LIST CERT[:LINE]" "delete the entry of a certificate"
    }
    ocsp "OCSP responses that the processes staple to their certificates" {
        "list" "" "ids of the responses, and their certificates"
        "show" "ID|CERT" "status and validity of a response in each process; by a certificate from 2.8 on"
        "set" "FILE" "give the processes a response, as a responder sends it (DER)"
        "update" "CERT" "make each process fetch a new response for a certificate"
        "updates" "" "responses that the processes fetch by themselves, and the last results"
    }
    master "The master process behind a socket (-S), with its current and old workers" {
        "processes" "SOCKET" "the master, its workers and programs, and those that are leaving"
        "reload" "SOCKET" "reload the configuration, and say if it succeeded and why not"
        "command" "SOCKET PID LINE" "send a line to one worker; each that times out can cost one of the master's 10 connections"
    }
    events "Events in the rings of each process, such as log lines" {
        "list" "" "the rings of each process"
        "show" "RING" "the events that a ring holds"
        "follow" "RING" "the events of a ring as they happen, until the tool is ended"
    }
    watch "Changes of all processes and servers, one on each line, as they happen" {
        "" "" [BEAT, RING] "print changes of processes and servers, and differences between processes, until the tool is ended"
    }
    table "Stick tables of each process" {
        "list" "" "names, types of keys, sizes, and numbers of entries"
        "show" "NAME" [KEY, DATA] "entries with their values"
        "set" "NAME KEY DATA VALUE [WORD...]" "set values of an entry, which is made if it does not exist"
        "clear" "NAME" [KEY, DATA] "delete entries: all of them without an option"
    }
    map "Maps, and how the processes differ in them" {
        "list" "" "the maps of each process"
        "show" "FILE" "entries; FILE is the map's, or # and its number"
        "count" "FILE" "how many entries"
        "get" "FILE KEY" "value of a key"
        "add" "FILE KEY VALUE" "add an entry"
        "add-all" "FILE [PATH]" "add the entries of a file, of stdin if none is given"
        "set" "FILE KEY VALUE" "give all entries of a key another value"
        "delete" "FILE KEY..." "delete entries of keys"
        "replace" "FILE PATH" [MIRROR] "replace all entries by those of a file in one transaction, - for stdin"
        "sync" "FILE PATH" [PLAN, MIRROR] "make all processes hold the entries of a file"
        "clear" "FILE" "delete all entries"
    }
    acl "ACLs, and how the processes differ in them" {
        "list" "" "the ACLs of each process"
        "show" "FILE" "patterns; FILE is the ACL's, or # and its number"
        "count" "FILE" "how many patterns"
        "get" "FILE VALUE" "say if a value matches"
        "add" "FILE PATTERN" "add a pattern"
        "add-all" "FILE [PATH]" "add the patterns of a file, of stdin if none is given"
        "delete" "FILE PATTERN..." "delete patterns"
        "replace" "FILE PATH" [MIRROR] "replace all patterns by those of a file in one transaction, - for stdin"
        "sync" "FILE PATH" [PLAN, MIRROR] "make all processes hold the patterns of a file"
        "clear" "FILE" "delete all patterns"
    }
    dump "Every metric of every object" {
        "frontends" "" "every metric of every frontend"
        "backends" "" "every metric of every backend"
        "servers" "" "every metric of every server"
    }
}

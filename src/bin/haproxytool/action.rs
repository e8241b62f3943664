//! The table of actions: what there is, and what follows the name of each.

use std::fmt::Write as _;

/// One action of one kind of object.
pub(crate) struct Action {
    pub(crate) object: &'static str,
    /// Empty for an object that has but one.
    pub(crate) name: &'static str,
    /// The words that follow: `NAME...` for names of objects, `[...]` around what
    /// can be left out.
    pub(crate) form: &'static str,
    doc: &'static str,
}

const HEAD: &str = "\
Usage: haproxytool [OPTION...] OBJECT ACTION [NAME...] [ARGUMENT...]

Shows and changes what the processes of HAProxy have in common, as one.

  -D DIR            every stats socket in a directory; can be repeated.
                    Without -D and -F: /run/haproxy
  -F SOCKET         a stats socket, by its path or in HAProxy's notation; can be
                    repeated
  --only LABEL      these processes only (`process list` has the labels)
  --expect N        how many processes there are at least: one whose socket is
                    absent is noticed in no other way
  --timeout SECONDS longest time for a command; 10 if not given
  --allow-partial   print what there is if some processes do not answer
  --all             every object of the kind, in place of NAME...
  --backend NAME    of this backend, for servers
  --port PORT       port that goes with an address
  --json            print JSON
  --demo            embedded processes that pretend to be HAProxy; each call starts
                    them anew
  --                no more options
  --help            print this

What changes something takes the names of what it is to change, or --all. What
prints takes all if none are given. Where an argument is in brackets, it is
printed without and set with it: the last word is the argument if there are two or
more. A server is BACKEND/SERVER, or SERVER in every backend that has one.

Exit status: 0 if all is well, also if a process does not have the object as long
as another has; 1 if something failed or is unknown; 2 if the command line is
wrong.
";

/// All that `--help` prints.
pub(crate) fn help() -> String {
    let mut text = HEAD.to_owned();
    let mut object = "";
    for action in ACTIONS {
        if action.object != object {
            text.push('\n');
        }
        object = action.object;
        let words = [action.object, action.name, action.form].join(" ");
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {:<58} {}", words.replace("  ", " ").trim_end(), action.doc);
    }
    text
}

macro_rules! actions {
    ($($object:ident { $($name:literal $form:literal $doc:literal)* })*) => {
        /// Every action, in the order of the help.
        pub(crate) const ACTIONS: &[Action] = &[
            $($(Action { object: stringify!($object), name: $name, form: $form, doc: $doc },)*)*
        ];
    };
}

actions! {
    process {
        "list" "" "label, release, pid and address of each process"
        "info" "" "every key of `show info`"
        "metrics" "" "names of these keys"
        "metric" "KEY" "one of them"
        "requests" "" "HTTP requests"
        "pids" "" "process id of each"
        "uptime" "" "time since each started, in words"
        "uptime-seconds" "" "the same in seconds"
        "version" "" "release"
        "released" "" "date of the release"
        "node" "" "name of the node"
        "description" "" "description of the configuration"
        "errors" "[PROXY]" "last messages that were refused"
        "maxconn" "[N]" "connections at once"
        "ratelimit" "[WHAT] [N]" "connections, sessions, ssl-sessions, http-compression"
        "clear" "WHAT" "counters: all, or max"
    }
    command {
        "" "LINE" "any command, and the whole reply of each process"
    }
    frontend {
        "list" "[NAME...]" "names"
        "status" "[NAME...]" "status"
        "requests" "[NAME...]" "requests"
        "process" "[NAME...]" "labels of the processes that have it"
        "iid" "[NAME...]" "number in the configuration"
        "metrics" "" "names of metrics"
        "metric" "[NAME...] METRIC" "one of them"
        "maxconn" "[NAME...] [N]" "connections at once"
        "set" "NAME... OPTION VALUE" "maxconn is the option that there is"
        "enable" "NAME..." "accept connections again"
        "disable" "NAME..." "accept none until it is enabled"
        "shutdown" "NAME..." "close the sockets for good"
    }
    backend {
        "list" "[NAME...]" "names"
        "servers" "[NAME...]" "names of its servers"
        "status" "[NAME...]" "status"
        "requests" "[NAME...]" "requests"
        "process" "[NAME...]" "labels of the processes that have it"
        "iid" "[NAME...]" "number in the configuration"
        "metrics" "" "names of metrics"
        "metric" "[NAME...] METRIC" "one of them"
        "states" "[NAME...]" "states of its servers, in each process"
    }
    server {
        "list" "[NAME...]" "backends and names"
        "status" "[NAME...]" "status"
        "requests" "[NAME...]" "requests"
        "process" "[NAME...]" "labels of the processes that have it"
        "sid" "[NAME...]" "number in the backend"
        "metrics" "" "names of metrics"
        "metric" "[NAME...] METRIC" "one of them"
        "states" "[NAME...]" "what the operator wants and how it is, in each process"
        "check-code" "[NAME...]" "code that the last health check got"
        "check-status" "[NAME...]" "result of the last health check"
        "last-status" "[NAME...]" "what the last health check saw"
        "last-agent" "[NAME...]" "what the last agent check saw"
        "address" "[NAME...] [ADDRESS] [--port PORT]" "address, with its port"
        "port" "[NAME...] [PORT]" "port"
        "fqdn" "[NAME...] [HOST]" "name that the address is resolved from"
        "weight" "[NAME...] [WEIGHT]" "0 to 256, or a percentage of the initial one"
        "maxconn" "[NAME...] [N]" "requests at once"
        "state" "[NAME...] [STATE]" "ready, drain, maint"
        "ready" "NAME..." "take all traffic"
        "drain" "NAME..." "take only what belongs to it already"
        "maint" "NAME..." "take no traffic"
        "enable" "NAME..." "end maintenance"
        "disable" "NAME..." "begin maintenance"
        "health" "NAME... STATE" "up, stopping, down"
        "enable-health" "NAME..." "start health checks again"
        "disable-health" "NAME..." "stop health checks"
        "check-port" "NAME... PORT" "port of health checks"
        "check-addr" "NAME... ADDRESS [--port PORT]" "address of health checks"
        "agent" "NAME... STATE" "up, down"
        "enable-agent" "NAME..." "start agent checks again"
        "disable-agent" "NAME..." "stop agent checks"
        "agent-addr" "NAME... HOST [--port PORT]" "address of agent checks"
        "agent-port" "NAME... PORT" "port of agent checks"
        "agent-send" "NAME... TEXT" "what agent checks send"
        "ssl" "NAME... SWITCH" "on, off"
        "shutdown-sessions" "NAME..." "end all sessions at once"
    }
    map {
        "list" "" "the maps of each process"
        "show" "FILE" "entries; FILE is the map's, or # and its number"
        "count" "FILE" "how many entries"
        "get" "FILE KEY" "what is found for a key"
        "add" "FILE KEY VALUE" "add an entry"
        "add-all" "FILE [PATH]" "add the entries of a file, of stdin if none is given"
        "set" "FILE KEY VALUE" "give all entries of a key another value"
        "delete" "FILE KEY" "delete entries of a key"
        "clear" "FILE" "delete all entries"
    }
    acl {
        "list" "" "the ACLs of each process"
        "show" "FILE" "patterns; FILE is the ACL's, or # and its number"
        "count" "FILE" "how many patterns"
        "get" "FILE VALUE" "whether a value matches"
        "add" "FILE PATTERN" "add a pattern"
        "add-all" "FILE [PATH]" "add the patterns of a file, of stdin if none is given"
        "delete" "FILE PATTERN" "delete a pattern"
        "clear" "FILE" "delete all patterns"
    }
    dump {
        "frontends" "" "every metric of every frontend"
        "backends" "" "the same of backends"
        "servers" "" "the same of servers"
    }
}

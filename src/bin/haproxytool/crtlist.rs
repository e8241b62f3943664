use haproxyadmin::certificate::{CrtList, NewCrtListEntry};
use serde_json::{Map, Value};

use crate::Views;
use crate::call::Call;
use crate::options;
use crate::problem::Problem;
use crate::report::Report;

pub(crate) async fn run(call: &Call, views: &Views) -> Result<Report, Problem> {
    let Some(name) = call.argument() else { return list(views).await };
    let (read, write) = (views.read.crt_list(name)?, views.write.crt_list(name)?);
    match (call.action, call.later_arguments()) {
        ("show", _) => show(&read).await,
        ("add", [certificate, hosts @ ..]) => {
            let mut entry = NewCrtListEntry::new(certificate.as_str());
            for option in call.given.all("option") {
                if let [name, value] = option.as_slice() {
                    entry = entry.option(name.as_str(), value.as_str());
                }
            }
            let entry = hosts.iter().fold(entry, |entry, host| entry.filter(host.as_str()));
            Ok(Report::changes(vec![write.add(&entry).await?]))
        }
        (_, [entry, ..]) => {
            let outcomes = match entry.rsplit_once(':') {
                Some((certificate, line)) => {
                    write.delete_line(certificate, options::parse("the number of a line", line)?).await?
                }
                None => write.delete(entry).await?,
            };
            Ok(Report::changes(vec![outcomes]))
        }
        _ => Err(Problem::Usage("expected a certificate".into())),
    }
}

async fn show(list: &CrtList) -> Result<Report, Problem> {
    let lists = list.entries().await?;
    let mut rows = vec![["PROCESS", "LINE", "CERTIFICATE", "OPTIONS", "NAMES"].map(String::from).to_vec()];
    let mut json = Map::new();
    for (label, entries) in lists.values() {
        for entry in entries {
            let filled = |text: String| if text.is_empty() { "-".to_owned() } else { text };
            let line = entry.line.to_string();
            let (options, names) = (filled(entry.options.to_string()), filled(entry.filters.join(",")));
            rows.push(vec![label.to_string(), line, entry.certificate.to_string(), options, names]);
        }
        json.insert(label.to_string(), serde_json::to_value(entries).unwrap_or_default());
    }
    Ok(Report::rows(&rows, Value::Object(json)).asked(&lists))
}

async fn list(views: &Views) -> Result<Report, Problem> {
    let lists = views.read.crt_lists().await?;
    let mut rows = vec![["PROCESS", "NAME"].map(String::from).to_vec()];
    let mut json = Map::new();
    for (label, names) in lists.values() {
        rows.extend(names.iter().map(|name| vec![label.to_string(), name.to_string()]));
        json.insert(label.to_string(), serde_json::to_value(names).unwrap_or_default());
    }
    Ok(Report::rows(&rows, Value::Object(json)).asked(&lists))
}

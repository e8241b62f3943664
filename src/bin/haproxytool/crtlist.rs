use haproxyadmin::certificate::{CrtList, CrtListEntry, NewCrtListEntry};

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
    Ok(Report::of_each(["LINE", "CERTIFICATE", "OPTIONS", "NAMES"], &lists, |entries| {
        let filled = |text: String| if text.is_empty() { "-".to_owned() } else { text };
        let row = |entry: &CrtListEntry| {
            let [options, names] = [entry.options.to_string(), entry.filters.join(",")].map(filled);
            [entry.line.to_string(), entry.certificate.to_string(), options, names]
        };
        entries.iter().map(row).collect()
    }))
}

async fn list(views: &Views) -> Result<Report, Problem> {
    let lists = views.read.crt_lists().await?;
    Ok(Report::of_each(["NAME"], &lists, |names| names.iter().map(|name| [name.to_string()]).collect()))
}

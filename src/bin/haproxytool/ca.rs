use serde_json::{Map, Value};

use crate::Views;
use crate::call::Call;
use crate::cert::{changed, pem};
use crate::problem::Problem;
use crate::report::Report;

pub(crate) async fn run(call: &Call, views: &Views) -> Result<Report, Problem> {
    let Some(name) = call.argument() else { return list(views).await };
    let (read, write) = (views.read.ca_file(name)?, views.write.ca_file(name)?);
    match call.action {
        "show" => {
            let shown = read.show().await?;
            let mut rows =
                vec![["PROCESS", "STATUS", "UNTIL", "SERIAL", "SUBJECT"].map(String::from).to_vec()];
            let mut json = Map::new();
            for (label, details) in shown.values() {
                let status = details.status.as_str();
                for one in &details.certificates {
                    let subject = one.subject.as_deref().unwrap_or("-");
                    let words = [&**label, status, &one.not_after_text, &one.serial, subject];
                    rows.push(words.map(String::from).to_vec());
                }
                if details.certificates.is_empty() {
                    rows.push([&**label, status, "-", "-", "-"].map(String::from).to_vec());
                }
                json.insert(label.to_string(), serde_json::to_value(details).unwrap_or_default());
            }
            Ok(Report::rows(&rows, Value::Object(json)).asked(&shown))
        }
        // Strict, unless --allow-partial is given: if one process fails, no process is changed.
        "set" => changed(read.replace(&pem(call)?).await),
        _ => Ok(Report::changes(vec![write.delete().await?])),
    }
}

async fn list(views: &Views) -> Result<Report, Problem> {
    let lists = views.read.ca_files().await?;
    let mut rows = vec![["PROCESS", "CERTIFICATES", "PENDING", "NAME"].map(String::from).to_vec()];
    let mut json = Map::new();
    for (label, files) in lists.values() {
        for file in files {
            let pending = file.pending.map_or_else(|| "-".to_owned(), |pending| pending.to_string());
            rows.push(vec![label.to_string(), file.certificates.to_string(), pending, file.name.to_string()]);
        }
        json.insert(label.to_string(), serde_json::to_value(files).unwrap_or_default());
    }
    Ok(Report::rows(&rows, Value::Object(json)).asked(&lists))
}

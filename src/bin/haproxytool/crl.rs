use serde_json::{Map, Value};

use crate::Views;
use crate::call::Call;
use crate::cert::{changed, pem};
use crate::problem::Problem;
use crate::report::Report;

pub(crate) async fn run(call: &Call, views: &Views) -> Result<Report, Problem> {
    let Some(name) = call.argument() else { return list(views).await };
    let (read, write) = (views.read.crl_file(name)?, views.write.crl_file(name)?);
    match call.action {
        "show" => {
            let shown = read.show().await?;
            let head = ["PROCESS", "STATUS", "ISSUED", "NEXT", "REVOKED", "ISSUER"];
            let mut rows = vec![head.map(String::from).to_vec()];
            let mut json = Map::new();
            for (label, details) in shown.values() {
                let status = details.status.as_str();
                // HAProxy leaves out what does not fit into its buffer.
                let more = if details.may_be_cut { "+" } else { "" };
                for one in &details.lists {
                    let revoked = format!("{}{more}", one.revoked.len());
                    let next = &one.next_update_text;
                    let words = [&**label, status, &one.last_update_text, next, &revoked, &one.issuer];
                    rows.push(words.map(String::from).to_vec());
                }
                if details.lists.is_empty() {
                    rows.push([&**label, status, "-", "-", "-", "-"].map(String::from).to_vec());
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
    let lists = views.read.crl_files().await?;
    let mut rows = vec![["PROCESS", "PENDING", "NAME"].map(String::from).to_vec()];
    let mut json = Map::new();
    for (label, files) in lists.values() {
        for file in files {
            let pending = if file.is_pending { "yes" } else { "-" };
            rows.push(vec![label.to_string(), pending.into(), file.name.to_string()]);
        }
        json.insert(label.to_string(), serde_json::to_value(files).unwrap_or_default());
    }
    Ok(Report::rows(&rows, Value::Object(json)).asked(&lists))
}

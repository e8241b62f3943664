use haproxyadmin::Outcomes;
use haproxyadmin::certificate::{CaFileDetails, ListedCaFile, X509};

use crate::Views;
use crate::call::Call;
use crate::cert::{changed, pem};
use crate::problem::Problem;
use crate::report::Report;

pub(crate) async fn run(call: &Call, views: &Views) -> Result<Report, Problem> {
    let Some(name) = call.argument() else { return list(views).await };
    let (read, write) = (views.read.ca_file(name)?, views.write.ca_file(name)?);
    match call.action {
        "show" => Ok(show(&read.show().await?)),
        // Strict, unless --allow-partial is given: if one process fails, no process is changed.
        "set" => changed(read.replace(&pem(call)?).await),
        _ => Ok(Report::changes(vec![write.delete().await?])),
    }
}

async fn list(views: &Views) -> Result<Report, Problem> {
    let lists = views.read.ca_files().await?;
    Ok(Report::of_each(["CERTIFICATES", "PENDING", "NAME"], &lists, |files| {
        let row = |file: &ListedCaFile| {
            let pending = file.pending.map_or_else(|| "-".to_owned(), |pending| pending.to_string());
            [file.certificates.to_string(), pending, file.name.to_string()]
        };
        files.iter().map(row).collect()
    }))
}

fn show(shown: &Outcomes<CaFileDetails>) -> Report {
    Report::of_each(["STATUS", "UNTIL", "SERIAL", "SUBJECT"], shown, |details| {
        let status = details.status.as_str();
        if details.certificates.is_empty() {
            return vec![[status, "-", "-", "-"].map(String::from)];
        }
        let row = |one: &X509| {
            let subject = one.subject.as_deref().unwrap_or("-");
            [status, &one.not_after_text, &one.serial, subject].map(String::from)
        };
        details.certificates.iter().map(row).collect()
    })
}

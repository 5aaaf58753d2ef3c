//! Getting into real registries: plain HTTP only when asked for, TLS with an authority of one's own, client
//! certificates, passwords, a token server, credential files and helpers that Helm and Docker share with us; and
//! secrets that are seen nowhere.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use windlass_tests::needs;
use windlass_tests::shipping::{PASSWORD, PLUGIN, STREAM, Stage, USER, key};
use windlass_tests::token_server::TokenServer;
use xtask::command::{Finished, feed};

/// `ann:hunter2`, made with bcrypt as Distribution wants it.
const HTPASSWD: &str = "ann:$2a$05$WE67mSFgJh340FR6t0nKZOW9yFg/SXRetRImlpyCSUZ9oexWRW2aK\n";
/// `ann:hunter2` in base64, as it stands in credential files and headers.
const BASE64: &str = "YW5uOmh1bnRlcjI=";

fn with_passwords() -> Option<Stage> {
    let settings = |folder: &Path| {
        let path = folder.join("htpasswd");
        std::fs::write(&path, HTPASSWD).unwrap();
        format!("auth: {{htpasswd: {{realm: x, path: {}}}}}\n", serde_json::Value::from(path.display().to_string()))
    };
    Some(Stage::distribution_with(settings, "")?.with_flags(&["--plain-http"]))
}

/// Logs in with a password on stdin.
fn login(stage: &Stage, password: &str, more: &[&str]) -> Finished {
    let arguments = ["login", stage.registry.address(), "--username", USER, "--password-stdin"];
    stage.run(&[&arguments[..], more].concat(), format!("{password}\n").as_bytes())
}

/// Pushes, runs and verifies; what works needs no more.
#[track_caller]
fn check_works(stage: &Stage) {
    let reference = stage.push_plugin("plugins")["reference"].as_str().unwrap().to_owned();
    stage.succeed(&["verify", &reference, "--keyring", &key("public.gpg")], b"");
}

#[track_caller]
fn check_refused(stage: &Stage, more: &[&str], says: &str) {
    let plugin = needs::plugin(PLUGIN).display().to_string();
    stage.refuse(&[&["push", &plugin, &stage.oci("plugins")], more].concat(), b"", 5, says);
}

/// No file below the folder, but for those that are named, holds the password in any form.
#[track_caller]
fn check_no_secrets(folder: &Path, but: &[&Path]) {
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if !but.contains(&path.as_path()) {
                let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap_or_default()).into_owned();
                assert!(!text.contains(PASSWORD) && !text.contains(BASE64), "{} holds the password", path.display());
            }
        }
    }
}

#[test]
fn plain_http_only_when_asked_for() {
    let Some(stage) = Stage::distribution() else { return };
    check_works(&stage);
    check_refused(&stage.with_flags(&[]), &["--registry-timeout", "60s"], "add `--plain-http`");
}

#[test]
fn tls_with_an_own_authority() {
    let http = format!("  tls: {{certificate: {}, key: {}}}\n", key("tls/server.pem"), key("tls/server.key"));
    let Some(stage) = Stage::distribution_with(|_| String::new(), &http) else { return };
    check_refused(&stage, &[], "trust the registry's own authority with `--ca-file FILE`");
    let stage = stage.with_flags(&["--ca-file", &key("tls/ca.pem")]);
    check_works(&stage);
    // Another authority is not this one.
    let other = key("tls/client.pem");
    check_refused(&stage.with_flags(&["--ca-file", &other]), &[], "certificate");
}

#[test]
fn insecure_only_when_asked_for() {
    let http = format!("  tls: {{certificate: {}, key: {}}}\n", key("tls/server.pem"), key("tls/server.key"));
    let Some(stage) = Stage::distribution_with(|_| String::new(), &http) else { return };
    check_refused(&stage, &[], "certificate");
    check_works(&stage.with_flags(&["--insecure"]));
}

#[test]
fn client_certificates() {
    let http = format!(
        "  tls: {{certificate: {}, key: {}, clientcas: [{}]}}\n",
        key("tls/server.pem"),
        key("tls/server.key"),
        key("tls/ca.pem")
    );
    let Some(stage) = Stage::distribution_with(|_| String::new(), &http) else { return };
    let ca = key("tls/ca.pem");
    let stage = stage.with_flags(&["--ca-file", &ca]);
    check_refused(&stage, &["--registry-timeout", "60s"], "");
    let (cert, secret) = (key("tls/client.pem"), key("tls/client.key"));
    check_works(&stage.with_flags(&["--ca-file", &ca, "--cert-file", &cert, "--key-file", &secret]));
}

#[test]
fn passwords_and_what_login_keeps() {
    let Some(stage) = with_passwords() else { return };
    check_refused(&stage, &[], "log in with `windlass login");
    let wrong = login(&stage, "hunter3", &[]);
    assert_eq!(wrong.code, Some(5), "{}", wrong.stderr);
    assert!(!wrong.stderr.contains("hunter3"), "{}", wrong.stderr);
    check_refused(&stage, &[], "log in with");

    let right = login(&stage, PASSWORD, &["-o", "json"]);
    assert_eq!(right.code, Some(0), "{}", right.stderr);
    let file = stage.sandbox.path().join("home/.config/helm/registry/config.json");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    for text in [String::from_utf8_lossy(&right.stdout), right.stderr.as_str().into()] {
        assert!(!text.contains(PASSWORD) && !text.contains(BASE64), "{text}");
    }
    check_works(&stage);
    check_no_secrets(stage.sandbox.path(), &[&file]);

    // Nobody can type it where other users of the machine see it, not even by mistake.
    let typed = stage.run(&["login", stage.registry.address(), "-u", USER, "--password", PASSWORD], b"");
    assert_eq!(typed.code, Some(2));
    assert!(!typed.stderr.contains(PASSWORD), "{}", typed.stderr);

    stage.succeed(&["logout", stage.registry.address()], b"");
    check_no_secrets(stage.sandbox.path(), &[]);
    check_refused(&stage, &[], "log in with");
}

#[test]
fn helm_and_windlass_share_their_logins() {
    let Some(stage) = with_passwords() else { return };
    assert_eq!(login(&stage, PASSWORD, &[]).code, Some(0));
    let ours = stage.sandbox.path().join("home/.config/helm/registry/config.json");
    let Some(helm) = stage.helm() else { return };
    let push = ["push", "app-1.2.3.tgz", &stage.oci("charts"), "--plain-http"];
    assert_ne!(helm.run(&push, b"").code, Some(0), "Helm does not know the password yet");
    helm.succeed(&[&push[..], &["--registry-config", ours.to_str().unwrap()]].concat());

    // The other way.
    stage.succeed(&["logout", stage.registry.address()], b"");
    let theirs = stage.sandbox.path().join("helm.json");
    let login = ["registry", "login", stage.registry.address(), "-u", USER, "--password-stdin", "--plain-http"];
    let said = helm.run(&[&login[..], &["--registry-config", theirs.to_str().unwrap()]].concat(), PASSWORD.as_bytes());
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    check_refused(&stage, &[], "log in with");
    check_works(&stage.with_flags(&["--plain-http", "--registry-config", theirs.to_str().unwrap()]));
}

#[test]
fn docker_s_file_and_credential_helpers() {
    let Some(stage) = with_passwords() else { return };
    let address = stage.registry.address().to_owned();
    let docker = stage.sandbox.write(
        "home/.docker/config.json",
        format!(r#"{{"auths":{{"{address}":{{"auth":"{BASE64}"}}}},"credsStore":""}}"#),
    );
    check_works(&stage);
    std::fs::remove_file(docker).unwrap();
    check_refused(&stage, &[], "log in with");

    // A helper that keeps what it was told in a file, and notes how it was called.
    let helper = stage.sandbox.write(
        "bin/docker-credential-notes",
        "#!/bin/sh\ncd \"$(dirname \"$0\")\"\necho \"$0 $*\" >> calls\ncase $1 in\nstore) cat > kept ;;\n\
         get) [ -f kept ] && cat kept || { echo 'credentials not found in native keychain'; exit 1; } ;;\nerase) rm -f kept ;;\nesac\n",
    );
    std::fs::set_permissions(&helper, std::fs::Permissions::from_mode(0o755)).unwrap();
    let config = stage
        .sandbox
        .write("home/.config/helm/registry/config.json", format!(r#"{{"credHelpers":{{"{address}":"notes"}}}}"#));
    let bin = helper.parent().unwrap().to_owned();
    let with_helper = |arguments: &[&str], input: &str| {
        let mut command = stage.command(arguments);
        let path = std::env::join_paths(
            std::iter::once(bin.clone()).chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
        );
        feed(command.env("PATH", path.unwrap()), input.as_bytes()).unwrap()
    };
    let plugin = needs::plugin(PLUGIN).display().to_string();
    let target = stage.oci("helper");
    let push = || with_helper(&["push", &plugin, &target], "");
    assert_eq!(push().code, Some(5));
    let said = with_helper(&["login", &address, "-u", USER, "--password-stdin"], PASSWORD);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert!(String::from_utf8_lossy(&said.stdout).contains("the credential helper notes"));
    assert!(
        !std::fs::read_to_string(config).unwrap().contains("auths"),
        "the file holds nothing that the helper holds"
    );
    let pushed = push();
    assert_eq!(pushed.code, Some(0), "{}", pushed.stderr);
    let calls = std::fs::read_to_string(bin.join("calls")).unwrap();
    assert!(calls.contains("get") && calls.contains("store") && !calls.contains(PASSWORD), "{calls}");
    assert_eq!(with_helper(&["logout", &address], "").code, Some(0));
    check_no_secrets(stage.sandbox.path(), &[]);
    assert_eq!(push().code, Some(5));
}

#[test]
fn a_token_server() {
    let mut server = None;
    let settings = |folder: &Path| server.insert(TokenServer::start(folder, PASSWORD)).settings();
    let Some(stage) = Stage::distribution_with(settings, "") else { return };
    let (stage, server) = (stage.with_flags(&["--plain-http"]), server.unwrap());
    check_refused(&stage, &[], "log in with");
    assert_eq!(login(&stage, "hunter3", &[]).code, Some(5));
    let right = login(&stage, PASSWORD, &[]);
    assert_eq!(right.code, Some(0), "{}", right.stderr);
    check_works(&stage);
    let plugin = needs::plugin(PLUGIN).display().to_string();
    let public = stage.oci("public/plugins");
    stage.succeed(&["push", &plugin, &public, "--sign", &key("secret.gpg")], b"");
    // One token for a whole push, one for a whole pull.
    let before = server.asked().len();
    let keyring = key("public.gpg");
    let run = ["run", &format!("{public}/{PLUGIN}:0.1.0"), "--keyring", &keyring, "--no-cache"];
    stage.succeed(&run, STREAM);
    assert_eq!(server.asked().len(), before + 1, "{:?}", server.asked());

    // Taking a blob over from another repository needs a look into that one, too.
    let mirrored = stage.answer(&["push", &plugin, &stage.oci("mirror"), "--sign", &key("secret.gpg")]);
    assert_eq!(mirrored["new"], true);

    // Without credentials what is public can be had, and nothing else.
    stage.succeed(&["logout", stage.registry.address()], b"");
    stage.succeed(&run, STREAM);
    let private = stage.oci(&format!("plugins/{PLUGIN}:0.1.0"));
    stage.refuse(&["run", &private, "--keyring", &keyring, "--no-cache"], STREAM, 5, "401");
    // A refresh token, as `docker login` keeps one for some registries.
    let config = format!(r#"{{"auths":{{"{}":{{"identitytoken":"{PASSWORD}"}}}}}}"#, stage.registry.address());
    stage.sandbox.write("home/.docker/config.json", config);
    stage.succeed(&["run", &private, "--keyring", &keyring, "--no-cache"], STREAM);
    assert!(server.asked().iter().any(|request| request.starts_with("POST")));
    assert!(
        !server.asked().iter().any(|request| request.contains(PASSWORD)),
        "no password in a URL: {:?}",
        server.asked()
    );
}

/// A token server chooses where our password goes: never to a private network, never without encryption when the
/// registry has it.
#[test]
fn a_token_server_elsewhere_gets_nothing() {
    for realm in ["http://10.255.255.1/token", "http://169.254.169.254/token", "ftp://127.0.0.1/token"] {
        let settings = |folder: &Path| {
            TokenServer::start(folder, PASSWORD).settings().replace("realm: \"http", &format!("realm: \"{realm}?http"))
        };
        let Some(stage) = Stage::distribution_with(settings, "") else { return };
        let stage = stage.with_flags(&["--plain-http"]);
        let refused = login(&stage, PASSWORD, &["--registry-timeout", "60s"]);
        assert_eq!(refused.code, Some(5), "{}", refused.stderr);
        assert!(refused.stderr.contains("token server"), "{}", refused.stderr);
    }
}

/// A reference is no place for a password; one that is written there is not repeated in errors.
#[test]
fn a_password_in_a_reference_is_not_repeated() {
    let sandbox = windlass_tests::sandbox::Sandbox::new();
    let pipeline = format!(
        "apiVersion: windlass.dev/v1alpha1\nkind: Pipeline\nplugins:\n- use: oci://{USER}:{PASSWORD}@registry.example/plugins/x:1.0.0\n"
    );
    let pipeline = sandbox.write("windlass.yaml", pipeline);
    let finished = sandbox.run(["run", "--pipeline", pipeline.to_str().unwrap()], STREAM);
    assert_eq!(finished.code, Some(2), "{}", finished.stderr);
    assert!(!finished.stderr.contains(PASSWORD), "{}", finished.stderr);
    assert!(finished.stderr.contains("windlass login"), "{}", finished.stderr);
    let typed = sandbox.run(["pull", &format!("oci://{USER}:{PASSWORD}@registry.example/plugins/x:1.0.0")], b"");
    assert_eq!(typed.code, Some(2), "{}", typed.stderr);
}

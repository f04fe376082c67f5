"""A machine's nginx: the project's production.conf, filled in as an operator does."""
import shutil, subprocess

MAIN = """user {user};
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr;
events {{ worker_connections 2048; }}
http {{
    access_log off;
    # Not where Debian's nginx has them.
    client_body_temp_path {folder}/client_body;
    fastcgi_temp_path {folder}/fastcgi;
    proxy_temp_path {folder}/proxy;
    scgi_temp_path {folder}/scgi;
    uwsgi_temp_path {folder}/uwsgi;
    include {folder}/production.conf;
}}
"""


def command(machine, user, host):
    """Writes its files, and gives the words that start it."""
    folder = machine.make_folder("nginx")
    # A copy: nginx's workers may not be able to read the checkout.
    shutil.copytree(machine.stack.checkout + "/nginx", folder + "/homeroom")
    subprocess.run(["chmod", "-R", "a+rX", folder], check=True)
    with open(folder + "/homeroom/production.conf") as file:
        text = file.read()
    for old, new in {
        "homeroom.example.org": host, "/run/homeroom/homeroom.sock": machine.folder + "/homeroom.sock",
        "/var/lib/homeroom/media": machine.stack.media, "/etc/nginx/homeroom/pages": folder + "/homeroom/pages",
        "/etc/ssl/homeroom/fullchain.pem": machine.folder + "/tls.crt",
        "/etc/ssl/homeroom/privkey.pem": machine.folder + "/tls.key",
        "/var/log/nginx/homeroom.log": machine.log("access"),
        # Behind the balancer, whose clients come from one address here, without limits.
        "# set_real_ip_from 198.51.100.7;": "set_real_ip_from 10.77.0.254;",
        "# real_ip_header": "real_ip_header", "# 192.0.2.0/24 0;": "127.0.0.0/8 0;",
    }.items():
        if old not in text:
            raise SystemExit(f"cluster: production.conf has no `{old}`")
        text = text.replace(old, new)
    with open(folder + "/production.conf", "w") as file:
        file.write(text)
    with open(folder + "/nginx.conf", "w") as file:
        file.write(MAIN.format(user=user.pw_name, folder=folder))
    return [*machine.within, "nginx", "-e", "stderr", "-p", folder, "-c", folder + "/nginx.conf"]

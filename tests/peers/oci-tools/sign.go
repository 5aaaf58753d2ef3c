package main

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"os"

	"github.com/google/go-containerregistry/pkg/name"
	intoto "github.com/in-toto/attestation/go/v1"
	"github.com/secure-systems-lab/go-securesystemslib/encrypted"
	"github.com/sigstore/cosign/v3/pkg/cosign/bundle"
	"github.com/sigstore/cosign/v3/pkg/oci/mutate"
	"github.com/sigstore/cosign/v3/pkg/oci/remote"
	"github.com/sigstore/cosign/v3/pkg/oci/static"
	"github.com/sigstore/cosign/v3/pkg/types"
	"github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	"github.com/sigstore/sigstore-go/pkg/root"
	sigstore "github.com/sigstore/sigstore-go/pkg/sign"
	"github.com/sigstore/sigstore/pkg/cryptoutils"
	"github.com/sigstore/sigstore/pkg/signature/payload"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/structpb"
)

// sign signs REFERENCE (by digest, over plain HTTP) with the key in the file KEY, whose password is empty, and pushes the
// signature in one of the three forms that cosign knows. Its steps are those of cosign's own command (cosign v3.1.3,
// cmd/cosign/cli/sign/sign.go: signDigestBundle, signDigest) for a key and no services. Everything that makes or pushes a
// payload, a bundle or a manifest is cosign's code; the command itself would bring the key services of all clouds along.
//
//	bundle      cosign sign --key KEY --signing-config NO-SERVICES
//	tag         cosign sign --key KEY --new-bundle-format=false --use-signing-config=false --tlog-upload=false
//	referrer    the same, with --registry-referrers-mode=oci-1-1
func sign(ctx context.Context, arguments []string) error {
	if len(arguments) != 3 {
		return fmt.Errorf("cosign takes a form, a key and a reference, not %q", arguments)
	}
	keys, err := readKey(arguments[1])
	if err != nil {
		return err
	}
	digest, err := name.NewDigest(arguments[2], name.Insecure)
	if err != nil {
		return err
	}
	if arguments[0] == "bundle" {
		return signBundle(ctx, keys, digest)
	}
	entity, err := remote.SignedEntity(digest)
	var missing *remote.EntityNotFoundError
	if errors.As(err, &missing) {
		entity, err = remote.SignedUnknown(digest), nil
	}
	if err != nil {
		return err
	}
	content, err := (&payload.Cosign{Image: digest}).MarshalJSON()
	if err != nil {
		return err
	}
	signature, _, err := keys.SignData(ctx, content)
	if err != nil {
		return err
	}
	layer, err := static.NewSignature(content, base64.StdEncoding.EncodeToString(signature))
	if err != nil {
		return err
	}
	signed, err := mutate.AttachSignatureToEntity(entity, layer)
	if err != nil {
		return err
	}
	switch arguments[0] {
	case "tag":
		return remote.WriteSignatures(digest.Repository, signed)
	case "referrer":
		return remote.WriteSignaturesExperimentalOCI(digest, signed)
	default:
		return fmt.Errorf("there is no form %q", arguments[0])
	}
}

func signBundle(ctx context.Context, keys *keyPair, digest name.Digest) error {
	hash, err := sha256Of(digest)
	if err != nil {
		return err
	}
	statement, err := protojson.Marshal(&intoto.Statement{
		Type:          intoto.StatementTypeUri,
		Subject:       []*intoto.ResourceDescriptor{{Digest: map[string]string{"sha256": hash}}},
		PredicateType: types.CosignSignPredicateType,
		Predicate:     &structpb.Struct{},
	})
	if err != nil {
		return err
	}
	services, err := root.NewSigningConfigFromJSON([]byte(`{"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.2+json"}`))
	if err != nil {
		return err
	}
	content := &sigstore.DSSEData{Data: statement, PayloadType: "application/vnd.in-toto+json"}
	made, err := bundle.SignData(ctx, content, keys, "", nil, nil, services, nil, bundle.SignOptions{})
	if err != nil {
		return err
	}
	return remote.WriteAttestationNewBundleFormat(digest, made, types.CosignSignPredicateType, remote.WithNameOptions(name.Insecure))
}

func sha256Of(digest name.Digest) (string, error) {
	const algorithm = "sha256:"
	text := digest.DigestStr()
	if len(text) <= len(algorithm) || text[:len(algorithm)] != algorithm {
		return "", fmt.Errorf("%s is no SHA-256 digest", text)
	}
	return text[len(algorithm):], nil
}

// keyPair is an ECDSA key on P-256, the kind that `cosign generate-key-pair` makes, as sigstore-go takes it.
type keyPair struct {
	private *ecdsa.PrivateKey
}

func readKey(path string) (*keyPair, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%s is no PEM file", path)
	}
	der, err := encrypted.Decrypt(block.Bytes, nil)
	if err != nil {
		return nil, err
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, err
	}
	private, ok := key.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%s holds no ECDSA key", path)
	}
	return &keyPair{private}, nil
}

func (k *keyPair) GetHashAlgorithm() v1.HashAlgorithm { return v1.HashAlgorithm_SHA2_256 }

func (k *keyPair) GetSigningAlgorithm() v1.PublicKeyDetails {
	return v1.PublicKeyDetails_PKIX_ECDSA_P256_SHA_256
}

// GetHint is the digest of the public key, as cosign writes it (internal/key/svkeypair.go).
func (k *keyPair) GetHint() []byte {
	der, err := x509.MarshalPKIXPublicKey(&k.private.PublicKey)
	if err != nil {
		return nil
	}
	sum := sha256.Sum256(der)
	return []byte(base64.StdEncoding.EncodeToString(sum[:]))
}

func (k *keyPair) GetKeyAlgorithm() string { return "ECDSA" }

func (k *keyPair) GetPublicKey() crypto.PublicKey { return &k.private.PublicKey }

func (k *keyPair) GetPublicKeyPem() (string, error) {
	text, err := cryptoutils.MarshalPublicKeyToPEM(&k.private.PublicKey)
	return string(text), err
}

func (k *keyPair) SignData(_ context.Context, data []byte) ([]byte, []byte, error) {
	digest := sha256.Sum256(data)
	signature, err := ecdsa.SignASN1(rand.Reader, k.private, digest[:])
	return signature, digest[:], err
}

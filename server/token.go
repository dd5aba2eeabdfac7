package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/identity"
	"github.com/onedoor/onedoor/internal/viewer"
)

// tokenCommand prints a token of the local issuer, and nothing else, so that
// scripts can use it.
func tokenCommand(args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	var v viewer.Viewer
	var lifetime time.Duration
	c, rest, err := parseConfig("token", args, getenv, stderr, func(flags *flag.FlagSet) {
		flags.Func("role", "the `ROLE` to act in: "+roleNames(), func(name string) error {
			if v.Role = viewer.Role(strings.ToUpper(name)); !v.Role.Valid() {
				return errors.New("it is none of " + roleNames())
			}
			return nil
		})
		flags.StringVar(&v.Subject, "subject", "", "the `NAME` of who acts")
		flags.StringVar(&v.Department, "department", "", "the `CODE` of the department acted for; a REVIEWER needs one")
		flags.StringVar(&v.Region, "region", "", "the `CODE` of the region acted in; the whole district when empty")
		flags.DurationVar(&lifetime, "for", 12*time.Hour, "how long the token is valid")
	})
	if err != nil {
		return err
	}
	switch {
	case len(rest) > 0:
		return fmt.Errorf("token takes no %q", rest[0])
	case v.Role == "":
		return errors.New("token needs --role, one of " + roleNames())
	case strings.TrimSpace(v.Subject) == "":
		return errors.New("token needs --subject, the name of who acts")
	case v.Role.NeedsDepartment() && strings.TrimSpace(v.Department) == "":
		return fmt.Errorf("token needs --department, the code of the department that the %s acts for", v.Role)
	case lifetime < time.Second:
		return errors.New("--for: a token is valid for a second at least")
	}
	issuer, err := identity.OpenIssuer(c.data)
	if err != nil {
		return err
	}
	token, err := issuer.Mint(v, time.Now(), lifetime)
	if f := (*fault.Error)(nil); errors.As(err, &f) {
		return errors.New(f.EN)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(stdout, token)
	return err
}

func roleNames() string {
	names := make([]string, len(viewer.Roles))
	for i, role := range viewer.Roles {
		names[i] = string(role)
	}
	return strings.Join(names, ", ")
}

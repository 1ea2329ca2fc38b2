package catalog

import (
	"encoding/json"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/heffl/bff/model"
)

// Kind says what a field holds and how it is shown.
type Kind string

// The kinds of fields.
const (
	KindText     Kind = "text"     // up to 2,000 characters
	KindID       Kind = "id"       // an id of Heffl's own
	KindInteger  Kind = "integer"  // up to 15 digits, shown in groups of three
	KindDecimal  Kind = "decimal"  // up to 15 digits and 6 decimals, a number or a string; decimals are shown as given
	KindCurrency Kind = "currency" // three capitals, as in ISO 4217
	KindDate     Kind = "date"     // "2026-11-22", shown as 22 Nov 2026
	KindInstant  Kind = "instant"  // RFC 3339, shown as 22 Nov 2026, 10:48 UTC
	KindURL      Kind = "url"      // absolute, http or https
	KindPath     Kind = "path"     // segments of a path in the app
	KindRoute    Kind = "route"    // a path in the app, with query and fragment if need be
)

const (
	maxText    = 2000
	maxURL     = 2000
	dateLayout = "2 Jan 2006"
	timeLayout = "2 Jan 2006, 15:04 UTC"
)

func (k Kind) valid() bool {
	switch k {
	case KindText, KindID, KindInteger, KindDecimal, KindCurrency, KindDate, KindInstant, KindURL, KindPath, KindRoute:
		return true
	}
	return false
}

// absent reports whether a value says nothing: publishers send null or "" for what they do not know.
func (k Kind) absent(v any) bool {
	s, ok := v.(string)
	return v == nil || ok && (s == "" || k == KindText && clean(s, false) == "")
}

// read checks a value that is not absent and answers it as it is shown. Text comes back as given: whoever shows it
// decides about line breaks. With a problem, which completes "must …", there is no value.
func (k Kind) read(v any) (shown, problem string) {
	s, isText := v.(string)
	switch k {
	case KindInteger:
		return readNumber(v, false, "be a whole number of at most 15 digits")
	case KindDecimal:
		return readNumber(v, true, "be a number, or a string such as \"12500.50\", with at most 15 digits before and 6 after the point")
	case KindText, KindID, KindCurrency, KindDate, KindInstant, KindURL, KindPath, KindRoute:
		if !isText {
			return "", "be a string"
		}
	}
	switch k {
	case KindText:
		return s, textProblem(s, maxText)
	case KindID:
		// "." and ".." would climb in a link, however they are escaped.
		if !model.ValidExternalID(s) || s == "." || s == ".." {
			return "", "be an id: 1 to 128 characters without control characters"
		}
		return s, ""
	case KindCurrency:
		if len(s) != 3 || strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
			return "", "be a currency code of three capitals, for example AED"
		}
		return s, ""
	case KindDate:
		t, err := time.Parse(time.DateOnly, s)
		if err != nil || t.Year() < 1 {
			return "", "be a date that exists, for example 2026-11-22"
		}
		return t.Format(dateLayout), ""
	case KindInstant:
		t, err := model.ParseTime(s)
		if err != nil {
			return "", strings.TrimPrefix(err.Error(), "must ")
		}
		return t.Std().Format(timeLayout), ""
	case KindURL:
		return s, urlProblem(s)
	case KindPath:
		return readPath(s)
	default:
		return readRoute(s)
	}
}

func textProblem(s string, limit int) string {
	if !utf8.ValidString(s) {
		return "be valid UTF-8"
	}
	if len(s) > limit && utf8.RuneCountInString(s) > limit {
		return "have at most " + group(strconv.Itoa(limit)) + " characters"
	}
	for _, r := range s {
		if unicode.IsControl(r) && r != '\n' && r != '\t' && r != '\r' {
			return "not have control characters other than line breaks and tabs"
		}
	}
	return ""
}

func urlProblem(s string) string {
	const problem = "be an absolute http or https URL of at most 2,000 characters"
	if len(s) > maxURL || !utf8.ValidString(s) || strings.ContainsFunc(s, unwelcomeInURL) {
		return problem
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil {
		return problem
	}
	return ""
}

func unwelcomeInURL(r rune) bool {
	return unicode.IsSpace(r) || hidden(r) || strings.ContainsRune(`"<>\^{|}`+"`", r)
}

// readNumber takes numbers as JSON gave them and as Go holds them after storage.
func readNumber(v any, decimal bool, problem string) (shown, _ string) {
	var s string
	switch n := v.(type) {
	case json.Number:
		s = n.String()
	case int:
		s = strconv.Itoa(n)
	case int64:
		s = strconv.FormatInt(n, 10)
	case float64:
		if math.IsNaN(n) || math.IsInf(n, 0) {
			return "", problem
		}
		s = strconv.FormatFloat(n, 'f', -1, 64)
	case string:
		if !decimal {
			return "", problem
		}
		s = n
	default:
		return "", problem
	}
	whole, fraction, point := strings.Cut(strings.TrimPrefix(s, "-"), ".")
	if !digits(whole, 15) || point && (!decimal || !digits(fraction, 6)) {
		return "", problem
	}
	return group(s), ""
}

func digits(s string, limit int) bool {
	return s != "" && len(s) <= limit && strings.Trim(s, "0123456789") == ""
}

// group writes a number with a comma after every three digits of its whole part; the decimals stay as they are.
func group(s string) string {
	digits, negative := strings.CutPrefix(s, "-")
	whole, fraction, point := strings.Cut(digits, ".")
	if whole = strings.TrimLeft(whole, "0"); whole == "" {
		whole = "0"
	}
	b := make([]byte, 0, len(s)+len(whole)/3+1)
	if negative && strings.Trim(digits, "0.") != "" {
		b = append(b, '-')
	}
	for i := range len(whole) {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b = append(b, ',')
		}
		b = append(b, whole[i])
	}
	if point {
		b = append(append(b, '.'), fraction...)
	}
	return string(b)
}

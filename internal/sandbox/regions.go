package sandbox

// Region is the lower-case code of a Zoho data centre, as it stands in paths and in the callback's location.
type Region string

// The data centres that have both an accounts and a Cliq host.
const (
	RegionUS Region = "us"
	RegionEU Region = "eu"
	RegionIN Region = "in"
	RegionAU Region = "au"
	RegionCA Region = "ca"
	RegionUK Region = "uk"
	RegionJP Region = "jp"
	RegionSA Region = "sa"
	RegionCN Region = "cn"
)

// regionInfo is what tells two data centres apart for a caller.
type regionInfo struct {
	Code Region
	Name string
	// Host is the real accounts host, shown on the consent page so that a person recognises the data centre.
	Host string
	// APIDomain goes into token answers. It is never the Cliq host, which is why the stand-in sends the real one:
	// a client that uses it reaches nothing.
	APIDomain string
}

// regionTable is in the order pages offer the data centres.
var regionTable = [...]regionInfo{
	{RegionUS, "United States", "accounts.zoho.com", "https://www.zohoapis.com"},
	{RegionEU, "Europe", "accounts.zoho.eu", "https://www.zohoapis.eu"},
	{RegionIN, "India", "accounts.zoho.in", "https://www.zohoapis.in"},
	{RegionAU, "Australia", "accounts.zoho.com.au", "https://www.zohoapis.com.au"},
	{RegionCA, "Canada", "accounts.zohocloud.ca", "https://www.zohoapis.ca"},
	{RegionUK, "United Kingdom", "accounts.zoho.uk", "https://www.zohoapis.uk"},
	{RegionJP, "Japan", "accounts.zoho.jp", "https://www.zohoapis.jp"},
	{RegionSA, "Saudi Arabia", "accounts.zoho.sa", "https://www.zohoapis.sa"},
	{RegionCN, "China", "accounts.zoho.com.cn", "https://www.zohoapis.com.cn"},
}

// Regions lists the codes of all data centres the stand-in plays.
func Regions() []Region {
	codes := make([]Region, 0, len(regionTable))
	for _, info := range regionTable {
		codes = append(codes, info.Code)
	}
	return codes
}

// Name is the data centre in words, or the code itself when it is unknown.
func (r Region) Name() string {
	if info, ok := r.info(); ok {
		return info.Name
	}
	return string(r)
}

func (r Region) info() (regionInfo, bool) {
	for _, info := range regionTable {
		if info.Code == r {
			return info, true
		}
	}
	return regionInfo{}, false
}

func (r Region) valid() bool {
	_, ok := r.info()
	return ok
}

// Service is one of the two roles every data centre plays.
type Service string

// The services of a data centre.
const (
	ServiceAccounts Service = "accounts"
	ServiceCliq     Service = "cliq"
)

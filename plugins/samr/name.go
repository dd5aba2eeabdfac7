package main

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/onedoor/onedoor/plugins/internal/citation"
	"github.com/onedoor/onedoor/plugins/sdk"
)

// companyName is a proposed name with its parts, as the register's own form has
// them (企业名称登记管理规定 第6条).
type companyName struct {
	Full         string `json:"full"`
	District     string `json:"district"`     // 行政区划: 宁波市江北区
	Word         string `json:"word"`         // 字号: 慈云
	Trade        string `json:"trade"`        // 行业或者经营特点: 餐饮
	Organisation string `json:"organisation"` // 组织形式: 有限公司
	Nationwide   bool   `json:"nationwide"`   // business in more than one province
	ManyTrades   bool   `json:"many_trades"`  // business of many trades
	Parent       string `json:"parent"`       // the name of the enterprise of a branch
}

const longestName = 300 // bytes of a part: far beyond any name

// widen writes the brackets as names have them.
func (n *companyName) widen() {
	wide := strings.NewReplacer("(", "（", ")", "）")
	for _, part := range []*string{&n.Full, &n.Organisation, &n.Parent} {
		*part = wide.Replace(*part)
	}
}

// problem says what is wrong with the form of the name, not with the name.
func (n *companyName) problem() string {
	for _, part := range []string{n.Full, n.District, n.Word, n.Trade, n.Organisation, n.Parent} {
		if len(part) > longestName || !utf8.ValidString(part) {
			return fmt.Sprintf("name: parts of at most %d bytes", longestName)
		}
	}
	return ""
}

// districts are the divisions that a name of this district may bear, and how: a
// district of a city only behind its city (第7条).
var districts = []string{
	"浙江", "浙江省", "宁波", "宁波市", "浙江宁波", "浙江省宁波市",
	"宁波江北", "宁波市江北", "宁波江北区", "宁波市江北区", "浙江省宁波市江北区",
}

// alone are divisions of the district that may not stand without the city.
var alone = []string{"江北", "江北区", "江北高新区", "宁波江北高新技术产业园区"}

// divisions are words of the county level and above that are no name of their own
// (第8条), those of this province; another meaning is for an officer.
var divisions = []string{
	"浙江", "宁波", "杭州", "温州", "嘉兴", "湖州", "绍兴", "金华", "衢州", "舟山", "台州", "丽水",
	"江北", "海曙", "鄞州", "镇海", "北仑", "奉化", "余姚", "慈溪", "宁海", "象山",
}

// organisations are the forms that a kind of subject may bear at the end of its
// name, with the law that says so. The laws on partnerships, sole proprietors and
// companies name them; they have not been read here.
var organisations = map[string]organisation{
	"company":              {ends: []string{"有限责任公司", "有限公司", "股份有限公司", "股份公司"}, law: []citation.Citation{nameOrganisation}},
	"partnership":          {ends: []string{"（普通合伙）", "（特殊普通合伙）", "（有限合伙）"}, law: []citation.Citation{nameOrganisation}},
	"sole":                 {not: []string{"有限", "公司", "合伙"}, law: []citation.Citation{nameOrganisation}},
	"individual_household": {not: []string{"公司", "企业", "有限", "合作社", "合伙"}, law: []citation.Citation{nameOrganisation, nameHouseholds}},
	"branch":               {ends: []string{"分公司", "分厂", "分店"}, law: []citation.Citation{nameBranch}},
}

type organisation struct {
	ends []string // one of them ends the form
	not  []string // none of them is in the form
	law  []citation.Citation
}

// fits says whether a name ends in its form of organisation, and that is of the kind.
func (o organisation) fits(n *companyName) bool {
	ends := func(w string) bool { return strings.HasSuffix(n.Organisation, w) }
	contains := func(w string) bool { return strings.Contains(n.Organisation, w) }
	return n.Organisation != "" && strings.HasSuffix(n.Full, n.Organisation) &&
		(len(o.ends) == 0 || slices.ContainsFunc(o.ends, ends)) && !slices.ContainsFunc(o.not, contains)
}

// Words that a name may not have (第11条). Most stand by chance within innocent names
// (华中共享, 特色情缘, 消毒), so that an officer looks at the name; those that do not are
// certain. The list is illustrative: the register's own is longer.
var bannedWords = []struct {
	article string
	certain bool
	words   []string
}{
	{"第11条第1项、第2项", false, []string{"国旗", "国徽", "国歌"}},
	{"第11条第3项", true, []string{"中国共产党", "国务院", "中央军委", "解放军", "共青团"}},
	{"第11条第3项", false, []string{"中共", "人大", "政协", "法院", "检察", "公安", "武警", "部队", "总工会", "妇联", "党校", "海关"}},
	{"第11条第4项", true, []string{"联合国", "世界贸易组织", "世界卫生组织"}},
	{"第11条第4项", false, []string{"美国", "英国", "法国", "德国", "俄罗斯", "日本", "韩国", "意大利", "加拿大", "澳大利亚", "印度", "泰国", "越南", "北约", "欧盟"}},
	{"第11条第5项", true, []string{"赌博", "淫秽", "嫖"}},
	{"第11条第5项", false, []string{"色情", "赌", "毒", "鬼", "巫", "恐怖", "暴力", "枪", "黑帮"}},
	{"第11条第8项", false, []string{"最佳", "第一", "国家级", "最高级", "银行", "保险", "证券"}},
}

// national are the words of 第12条.
var national = []string{"中国", "中华", "中央", "全国", "国家"}

// judge looks at a name by the rules that can be computed. Whether it is the same
// as another's (第17条) only the register can say, and whether the characters are
// all of the standard set (第5条) is for an officer: both are left to the register's
// own system, through which every name goes (第16条).
func (n *companyName) judge(clause, subject string) []sdk.Finding {
	var out []sdk.Finding
	fail := func(code, key string, law ...citation.Citation) {
		out = append(out, citation.Back(sdk.Fail(clause, code).Say(key).Advise("name.change"), law...))
	}
	human := func(code, key string, law ...citation.Citation) {
		out = append(out, citation.Back(sdk.Human(clause, code).Say(key), law...))
	}
	rule, known := organisations[subject]
	switch {
	case !known: // organs and institutions are named by other law
		human("NAME_OF_ANOTHER_KIND", "name.other")
		return out
	case subject == "individual_household" && n.Full == "": // it may have no name
		human("NAME_OF_ANOTHER_KIND", "name.other", nameHouseholds)
		return out
	}
	if strings.ContainsFunc(n.Full, func(r rune) bool { return !unicode.Is(unicode.Han, r) && r != '（' && r != '）' }) || n.Full == "" {
		fail("NAME_CHARACTERS", "name.characters", nameCharacters)
	}
	if subject == "branch" {
		if n.Parent == "" || !strings.HasPrefix(n.Full, n.Parent) {
			fail("NAME_WITHOUT_PARENT", "name.parent", nameBranch)
		}
	} else {
		n.judgeParts(fail, human)
	}
	if !rule.fits(n) {
		fail("NAME_ORGANISATION", "name.organisation", rule.law...)
	}
	for _, word := range national {
		switch {
		case strings.HasPrefix(n.Full, word):
			human("NAME_NATIONAL", "name.national", nameNational)
		case strings.Contains(n.Full, word):
			human("NAME_NATIONAL_WITHIN", "name.national_within", nameNational)
		}
	}
	own := strings.Replace(strings.TrimPrefix(n.Full, n.Parent), n.District, "", 1)
	for _, group := range bannedWords {
		if !slices.ContainsFunc(group.words, func(w string) bool { return strings.Contains(own, w) }) {
			continue
		}
		law := citation.Citation{Law: "企业名称登记管理规定", Article: group.article, Verified: citation.Text}
		if group.certain {
			fail("NAME_BANNED_WORD", "name.banned", law)
		} else {
			human("NAME_DOUBTFUL_WORD", "name.doubtful", law)
		}
	}
	return out
}

// judgeParts looks at the district, the word and the trade, and that the parts make
// up the name: in their order, or with the district in brackets behind the word or
// the trade, as the register takes it too.
func (n *companyName) judgeParts(fail, human func(code, key string, law ...citation.Citation)) {
	orders := []string{
		n.District + n.Word + n.Trade + n.Organisation,
		n.Word + "（" + n.District + "）" + n.Trade + n.Organisation,
		n.Word + n.Trade + "（" + n.District + "）" + n.Organisation,
	}
	if !slices.Contains(orders, n.Full) {
		fail("NAME_PARTS", "name.parts", nameParts)
	}
	switch {
	case n.District == "" && n.Nationwide:
		human("NAME_WITHOUT_DISTRICT", "name.nationwide", nameParts)
	case n.District == "":
		fail("NAME_WITHOUT_DISTRICT", "name.no_district", nameParts)
	case slices.Contains(alone, n.District):
		fail("NAME_DISTRICT_ALONE", "name.district_alone", nameDistrict)
	case !slices.Contains(districts, n.District):
		human("NAME_DISTRICT_ELSEWHERE", "name.district_elsewhere", nameDistrict)
	}
	switch {
	case n.Trade == "" && n.ManyTrades:
		human("NAME_WITHOUT_TRADE", "name.many_trades", nameParts)
	case n.Trade == "":
		fail("NAME_WITHOUT_TRADE", "name.no_trade", nameParts)
	}
	switch {
	case utf8.RuneCountInString(n.Word) < 2:
		fail("NAME_WORD_SHORT", "name.word_short", nameWord)
	case slices.Contains(divisions, n.Word), slices.Contains(divisions, strings.TrimRight(n.Word, "省市区县")), n.Word == n.Trade:
		human("NAME_WORD_COMMON", "name.word_common", nameWord)
	}
}

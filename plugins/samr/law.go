package main

import "github.com/onedoor/onedoor/plugins/internal/citation"

// The law on which the findings rest.
var (
	registerPapers = citation.Citation{Law: "市场主体登记管理条例", Article: "第16条", Verified: citation.Text}
	registerTruth  = citation.Citation{Law: "市场主体登记管理条例", Article: "第17条", Verified: citation.Text}
	// The code's structure is in the body of the standard; no article is cited.
	creditCodes = citation.Citation{Law: "GB 32100-2015", Article: "代码的构成和校验码", Verified: citation.Web}

	nameCharacters   = citation.Citation{Law: "企业名称登记管理规定", Article: "第5条", Verified: citation.Text}
	nameParts        = citation.Citation{Law: "企业名称登记管理规定", Article: "第6条", Verified: citation.Text}
	nameDistrict     = citation.Citation{Law: "企业名称登记管理规定", Article: "第7条", Verified: citation.Text}
	nameWord         = citation.Citation{Law: "企业名称登记管理规定", Article: "第8条", Verified: citation.Text}
	nameOrganisation = citation.Citation{Law: "企业名称登记管理规定", Article: "第10条", Verified: citation.Text}
	nameNational     = citation.Citation{Law: "企业名称登记管理规定", Article: "第12条", Verified: citation.Text}
	nameBranch       = citation.Citation{Law: "企业名称登记管理规定", Article: "第13条", Verified: citation.Text}
	nameHouseholds   = citation.Citation{Law: "企业名称登记管理规定", Article: "第25条", Verified: citation.Text}

	foodPollution = citation.Citation{Law: "餐饮服务食品安全操作规范（2018）", Article: "4.1", Verified: citation.Knowledge}
	foodHygiene   = citation.Citation{Law: "GB 31654-2021", Article: "3", Verified: citation.Knowledge}
	// The annex gave recommended ratios; the code of 2018 that replaced it has none.
	foodLayout = citation.Citation{Law: "原餐饮服务食品安全操作规范（2011）附件", Article: "场所布局要求", Verified: citation.Web}
	// The classes of the permits of 2010; that of 2023 has none, districts still use them.
	foodClasses = citation.Citation{Law: "原餐饮服务许可按业态和规模的分类", Article: "餐馆（面积与座位数分属两类的，以规模较大者计）", Verified: citation.Web}

	minorsTobacco = citation.Citation{Law: "未成年人保护法", Article: "第59条", Verified: citation.Text}
)

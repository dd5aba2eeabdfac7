package main

import "github.com/onedoor/onedoor/plugins/internal/citation"

// The law on which the findings rest.
var (
	advertYears     = citation.Citation{Law: "宁波市市容和环境卫生管理条例", Article: "第35条", Verified: citation.Text}
	advertZones     = citation.Citation{Law: "宁波市市容和环境卫生管理条例", Article: "第30条第5项", Verified: citation.Text}
	largeConsent    = citation.Citation{Law: "城市市容和环境卫生管理条例", Article: "第11条", Verified: citation.Web}
	largeSize       = citation.Citation{Law: "区级参数（大型户外广告的尺寸）", Article: "单面10平方米或者一边4米以上", Verified: citation.District}
	kitchenContract = citation.Citation{Law: "宁波市市容和环境卫生管理条例", Article: "第48条", Verified: citation.Text}
	kitchenAmount   = citation.Citation{Law: "区级参数（餐厨垃圾产生量）", Article: "每座每日0.15千克，示例", Verified: citation.District}
	buildingWaste   = citation.Citation{Law: "宁波市市容和环境卫生管理条例", Article: "第52条", Verified: citation.Text}
	roadMonths      = citation.Citation{Law: "宁波市市政设施管理条例", Article: "第24条", Verified: citation.Text}
	roadSpecial     = citation.Citation{Law: "城市道路管理条例", Article: "第31条", Verified: citation.Text}
	roadMarkets     = citation.Citation{Law: "城市道路管理条例", Article: "第32条", Verified: citation.Text}
	roadExtent      = citation.Citation{Law: "城市道路管理条例", Article: "第36条", Verified: citation.Text}
	civilMonths     = citation.Citation{Law: "民法典", Article: "第201条、第202条", Verified: citation.Web}
	// The code's structure is in the body of the standard; no article is cited.
	creditCodes = citation.Citation{Law: "GB 32100-2015", Article: "代码的构成和校验码", Verified: citation.Web}
)

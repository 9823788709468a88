"""Camera moves as people of nine languages order them: by language and move, phrasings between bars."""

from __future__ import annotations

PHRASINGS = {
    "German": {
        "zoom_in": "Langsamer Zoom auf das Gebäude|Die Kamera zoomt heran|hineinzoomen|Die Kamera fährt näher heran"
        "|ranzoomen|die Kamera nähert sich dem Haus|Zoom in das Bild hinein|Kamerafahrt nach vorn",
        "zoom_out": "Die Kamera zoomt langsam heraus|herauszoomen|Die Kamera fährt zurück|rauszoomen"
        "|Kamera entfernt sich|Rückfahrt der Kamera|wegzoomen|die Kamera bewegt sich nach hinten",
        "pan_left": "Schwenk nach links|Die Kamera schwenkt nach links|Linksschwenk|Kameraschwenk nach links"
        "|die Kamera bewegt sich nach links|langsam nach links schwenken|Die Kamera fährt nach links"
        "|Kamerafahrt nach links",
        "pan_right": "Schwenk nach rechts|Die Kamera schwenkt nach rechts|Rechtsschwenk|Kameraschwenk nach rechts"
        "|die Kamera bewegt sich nach rechts|nach rechts schwenken|DIE KAMERA GLEITET NACH RECHTS"
        "|Kamerafahrt nach rechts",
        "tilt_up": "Schwenk nach oben|Die Kamera neigt sich nach oben|Kamera schwenkt hoch|Neigung nach oben"
        "|die Kamera bewegt sich aufwärts|nach oben kippen|Die Kamera hebt sich|Die Kamera faehrt nach oben",
        "tilt_down": "Schwenk nach unten|Die Kamera neigt sich nach unten|Kamera schwenkt herunter"
        "|Neigung nach unten|die Kamera bewegt sich abwärts|nach unten kippen|Die Kamera senkt sich"
        "|Die Kamera fährt nach unten",
        "static": "statische Kamera|feste Einstellung|Die Kamera steht still|Die Kamera bewegt sich nicht"
        "|ohne Kamerabewegung|keine Kamerabewegung|Kamera bleibt unbewegt|statisch",
    },
    "French": {
        "zoom_in": "zoom avant lent|La caméra zoome sur le bâtiment|travelling avant|la caméra s'approche"
        "|la caméra avance|lent zoom avant|la camera se rapproche du phare|ZOOM AVANT",
        "zoom_out": "zoom arrière|La caméra dézoome|travelling arrière|la caméra recule"
        "|la caméra s'éloigne lentement|dézoomer|dézoom lent|mouvement de caméra vers l'arrière",
        "pan_left": "panoramique vers la gauche|La caméra fait un panoramique vers la gauche|panoramique à gauche"
        "|la caméra tourne à gauche|la caméra glisse vers la gauche|travelling gauche|pano gauche"
        "|la camera va vers la gauche",
        "pan_right": "panoramique vers la droite|La caméra panoramique à droite|la caméra tourne vers la droite"
        "|pano droite|la caméra se déplace vers la droite|travelling à droite|panoramique droit"
        "|la caméra pivote à droite",
        "tilt_up": "panoramique vers le haut|La caméra s'incline vers le haut|la caméra monte|tilt vers le haut"
        "|panoramique vertical vers le haut|la caméra bascule vers le haut|la caméra se lève vers le ciel"
        "|travelling vers le haut",
        "tilt_down": "panoramique vers le bas|La caméra s'incline vers le bas|la caméra descend|tilt vers le bas"
        "|panoramique vertical vers le bas|la caméra bascule vers le bas|la caméra s'abaisse|travelling vers le bas",
        "static": "plan fixe|caméra fixe|La caméra ne bouge pas|la caméra reste immobile|sans mouvement de caméra"
        "|plan statique|aucun mouvement de caméra|cadre fixe",
    },
    "Spanish": {
        "zoom_in": "La cámara se acerca|zoom de acercamiento|acercamiento lento|zoom hacia adentro|la cámara avanza"
        "|zoom al edificio|la camara se aproxima lentamente|travelling hacia adelante",
        "zoom_out": "La cámara se aleja lentamente|zoom de alejamiento|alejamiento lento|zoom hacia afuera"
        "|la cámara retrocede|zoom hacia atrás|travelling hacia atrás|LA CÁMARA SE ALEJA",
        "pan_left": "paneo a la izquierda|La cámara panea hacia la izquierda|panorámica a la izquierda"
        "|la cámara gira a la izquierda|la cámara se mueve a la izquierda|travelling a la izquierda"
        "|paneo hacia la izquierda|la camara se desplaza hacia la izquierda",
        "pan_right": "paneo a la derecha|La cámara panea hacia la derecha|panorámica a la derecha"
        "|la cámara gira a la derecha|la cámara se mueve a la derecha|travelling a la derecha|panear a la derecha"
        "|la cámara se desliza hacia la derecha",
        "tilt_up": "La cámara se inclina hacia arriba|paneo hacia arriba|panorámica vertical hacia arriba"
        "|la cámara sube|tilt hacia arriba|la cámara se mueve hacia arriba|la cámara asciende|la cámara se eleva",
        "tilt_down": "La cámara se inclina hacia abajo|paneo hacia abajo|panorámica vertical hacia abajo"
        "|la cámara baja|tilt hacia abajo|la cámara se mueve hacia abajo|la cámara desciende"
        "|la camara gira hacia abajo",
        "static": "cámara fija|plano fijo|La cámara no se mueve|la cámara permanece inmóvil|sin movimiento de cámara"
        "|toma estática|cámara estática|plano estático",
    },
    "Portuguese": {
        "zoom_in": "A câmera se aproxima|aproximação lenta|zoom de aproximação|zoom para dentro|a câmera avança"
        "|zoom no edifício|a câmara aproxima-se devagar|travelling para a frente",
        "zoom_out": "A câmera se afasta lentamente|afastamento lento|zoom de afastamento|zoom para fora"
        "|a câmera recua|a câmara afasta-se|travelling para trás|a camera se afasta",
        "pan_left": "panorâmica para a esquerda|A câmera gira para a esquerda|pan para a esquerda"
        "|a câmera se move para a esquerda|a câmara desloca-se para a esquerda|travelling para a esquerda"
        "|panorâmica à esquerda|a camera desliza para a esquerda",
        "pan_right": "panorâmica para a direita|A câmera gira para a direita|pan para a direita|panorâmica à direita"
        "|a câmera se move para a direita|a câmara desloca-se para a direita|travelling para a direita"
        "|a camera vira para a direita",
        "tilt_up": "A câmera se inclina para cima|panorâmica vertical para cima|tilt para cima|a câmera sobe"
        "|a câmera se move para cima|a câmara eleva-se|a câmera se levanta|panorâmica para cima",
        "tilt_down": "A câmera se inclina para baixo|panorâmica vertical para baixo|tilt para baixo|a câmera desce"
        "|a câmera se move para baixo|a câmara abaixa-se|panorâmica para baixo|a camera gira para baixo",
        "static": "câmera fixa|plano fixo|A câmera não se move|a câmera permanece imóvel|sem movimento de câmera"
        "|câmera estática|câmera parada|a câmera é fixa",
    },
    "Italian": {
        "zoom_in": "La telecamera si avvicina|zoom in avanti|avvicinamento lento|zoom sul palazzo"
        "|carrellata in avanti|la telecamera avanza|la macchina da presa si avvicina|zoomata in avanti",
        "zoom_out": "La telecamera si allontana lentamente|zoom indietro|zoom all'indietro|carrellata indietro"
        "|la telecamera arretra|allontanamento lento|zoomata all'indietro|la telecamera indietreggia",
        "pan_left": "panoramica a sinistra|La telecamera si sposta a sinistra|panoramica verso sinistra"
        "|carrellata a sinistra|la telecamera ruota a sinistra|la telecamera gira verso sinistra"
        "|la telecamera si muove a sinistra|la cinepresa scorre verso sinistra",
        "pan_right": "panoramica a destra|La telecamera si sposta a destra|panoramica verso destra"
        "|carrellata a destra|la telecamera ruota a destra|la telecamera gira verso destra"
        "|la telecamera si muove a destra|la telecamera scivola verso destra",
        "tilt_up": "panoramica verso l'alto|La telecamera si inclina verso l'alto"
        "|inclinazione della telecamera verso l'alto|la telecamera sale|tilt verso l'alto|la telecamera si alza"
        "|la telecamera si muove in alto|la telecamera si solleva",
        "tilt_down": "panoramica verso il basso|La telecamera si inclina verso il basso|la telecamera scende"
        "|tilt verso il basso|la telecamera si abbassa|la telecamera si muove in basso|panoramica in basso"
        "|la telecamera gira verso il basso",
        "static": "telecamera fissa|inquadratura fissa|La telecamera non si muove|la telecamera resta ferma"
        "|senza movimenti di camera|camera fissa|inquadratura statica|la telecamera è immobile",
    },
    "Arabic": {
        "zoom_in": "تقترب الكاميرا|الكاميرا تقترب ببطء|تقريب بطيء|زوم للداخل|الكاميرا تتحرك إلى الأمام|تكبير الصورة"
        "|زوم إن|تتقدم الكاميرا نحو الأمام",
        "zoom_out": "تبتعد الكاميرا|الكاميرا تبتعد ببطء|زوم للخارج|الكاميرا تتراجع|الكاميرا تتحرك إلى الخلف"
        "|تصغير الصورة|زوم أوت|ابتعاد الكاميرا",
        "pan_left": "الكاميرا تتحرك إلى اليسار|تتحرك الكاميرا يسارا|بانوراما إلى اليسار|الكاميرا تدور لليسار"
        "|حركة الكاميرا نحو اليسار|تتجه الكاميرا إلى اليسار|بان لليسار|الكاميرا تنتقل ببطء إلى اليسار",
        "pan_right": "الكاميرا تتحرك إلى اليمين|تتحرك الكاميرا يمينا|بانوراما إلى اليمين|الكاميرا تدور لليمين"
        "|حركة الكاميرا نحو اليمين|تتجه الكاميرا إلى اليمين|بان لليمين|الكَامِيرَا تَتَحَرَّكُ يَمِينًا",
        "tilt_up": "الكاميرا تتحرك إلى الأعلى|تميل الكاميرا إلى أعلى|ترتفع الكاميرا|الكاميرا تصعد"
        "|إمالة الكاميرا للأعلى|تتحرك الكاميرا نحو الأعلى|الكاميرا تتجه إلى فوق|تيلت للأعلى",
        "tilt_down": "الكاميرا تتحرك إلى الأسفل|تميل الكاميرا إلى أسفل|تنخفض الكاميرا|الكاميرا تهبط"
        "|إمالة الكاميرا للأسفل|تتحرك الكاميرا نحو الأسفل|الكاميرا تنزل|تيلت للأسفل",
        "static": "كاميرا ثابتة|لقطة ثابتة|الكاميرا لا تتحرك|لا تتحرك الكاميرا|بدون حركة الكاميرا|الكاميرا ثابتة"
        "|بلا حركة|ثابتة",
    },
    "Chinese": {
        "zoom_in": "镜头推近|镜头慢慢推进|缓慢推进|拉近镜头|放大画面|镜头向前移动|镜头靠近建筑物|推镜头",
        "zoom_out": "镜头拉远|镜头慢慢拉远|缓慢拉远|拉远镜头|镜头后退|镜头向后移动|镜头远离建筑物|拉镜头",
        "pan_left": "镜头向左摇|向左平移|镜头向左移动|左摇|镜头慢慢向左平移|鏡頭向左移動|摄像机往左转|镜头左移",
        "pan_right": "镜头向右摇|向右平移|镜头向右移动|右摇|镜头慢慢向右平移|鏡頭向右移動|摄像机往右转|镜头右移",
        "tilt_up": "镜头向上摇|镜头上移|镜头向上移动|上摇|镜头慢慢向上抬|镜头上仰|摄像机向上倾斜移动|镜头上升",
        "tilt_down": "镜头向下摇|镜头下移|镜头向下移动|下摇|镜头慢慢向下移|镜头下俯|镜头下降|鏡頭向下移動",
        "static": "固定镜头|镜头固定|镜头不动|静止镜头|静态镜头|没有镜头移动|固定机位|镜头保持静止",
    },
    "Hindi": {
        "zoom_in": "कैमरा ज़ूम इन करता है|धीरे धीरे ज़ूम इन|कैमरा पास आता है|कैमरा करीब आता है|कैमरा आगे बढ़ता है|जूम इन"
        "|कैमरा नज़दीक जाता है|ज़ूम करें",
        "zoom_out": "कैमरा ज़ूम आउट करता है|धीरे धीरे ज़ूम आउट|कैमरा दूर जाता है|कैमरा पीछे हटता है|जूम आउट|कैमरा पीछे जाता है"
        "|कैमरा वापस पीछे आता है|कैमरा धीरे से दूर हटता है",
        "pan_left": "कैमरा बाईं ओर घूमता है|बाएं पैन|कैमरा बाएँ मुड़ता है|कैमरा बायीं ओर जाता है|पैन लेफ्ट|कैमरा बाएं चलता है"
        "|कैमरा धीरे धीरे बाईं तरफ़ जाता है|कैमरे को बाएं घुमाएं",
        "pan_right": "कैमरा दाईं ओर घूमता है|दाएं पैन|कैमरा दाएँ मुड़ता है|कैमरा दायीं ओर जाता है|पैन राइट|कैमरा दाएं चलता है"
        "|कैमरा दाहिनी ओर जाता है|कैमरे को दाएं घुमाएं",
        "tilt_up": "कैमरा ऊपर की ओर झुकता है|ऊपर टिल्ट|टिल्ट अप|कैमरा ऊपर जाता है|कैमरा ऊपर उठता है|कैमरा ऊपर की तरफ़ घूमता है"
        "|कैमरे को ऊपर ले जाएं|कैमरा धीरे से ऊपर बढ़ता है",
        "tilt_down": "कैमरा नीचे की ओर झुकता है|नीचे टिल्ट|टिल्ट डाउन|कैमरा नीचे जाता है|कैमरा नीचे आता है|कैमरा नीचे की तरफ़ घूमता है"
        "|कैमरे को नीचे ले जाएं|कैमरा धीरे से नीचे उतरता है",
        "static": "स्थिर कैमरा|कैमरा स्थिर है|कैमरा नहीं हिलता|स्थिर शॉट|स्टैटिक शॉट|बिना कैमरा हलचल|कैमरा स्थिर रहता है|स्थिर",
    },
    "Japanese": {
        "zoom_in": "ズームイン|カメラがゆっくりズームイン|カメラが近づく|カメラが寄る|ゆっくりズームアップ|ｽﾞｰﾑｲﾝ"
        "|ドリーイン|カメラが前進する",
        "zoom_out": "ズームアウト|カメラがゆっくりズームアウト|カメラが遠ざかる|カメラが引く|カメラが後退する"
        "|ドリーアウト|ズームバック|カメラが後ろに下がる",
        "pan_left": "左にパン|カメラが左にパンする|左へパン|カメラが左に動く|カメラが左へ移動する|左パン"
        "|カメラをゆっくり左に振る|カメラが左を向く",
        "pan_right": "右にパン|カメラが右にパンする|右へパン|カメラが右に動く|カメラが右へ移動する|右パン"
        "|カメラをゆっくり右に振る|カメラが右を向く",
        "tilt_up": "上にティルト|ティルトアップ|カメラが上に動く|カメラが上を向く|カメラが上へ移動する|チルトアップ"
        "|上にパン|カメラが上昇する",
        "tilt_down": "下にティルト|ティルトダウン|カメラが下に動く|カメラが下を向く|カメラが下へ移動する"
        "|チルトダウン|下にパン|カメラが下降する",
        "static": "固定カメラ|カメラは固定|カメラは動かない|静止画面|カメラワークなし|固定ショット|定点カメラ"
        "|カメラが静止している",
    },
}
